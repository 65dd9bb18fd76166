/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/properties.h"

#include "kafka/settings.h"

int properties_check(struct config *config, struct error *error)
{
	struct kafka_property properties[CONFIG_PROPERTIES];
	int rc = config_secrets_read(config, error);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < config->property_count; i++)
		properties[i] = (struct kafka_property){config->properties[i].name, config->properties[i].value};
	return kafka_properties_check(properties, config->property_count, error);
}
