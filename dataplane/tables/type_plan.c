/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/type_plan.h"

#include <stdlib.h>

void type_plan_free(struct type_plan *plan)
{
	if (plan == NULL)
		return;
	json_paths_free(plan->paths);
	rules_free(plan->rules);
	free(plan->actions);
	free(plan->texts);
	free(plan);
}
