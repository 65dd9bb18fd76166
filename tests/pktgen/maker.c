/* SPDX-License-Identifier: Apache-2.0 */
#include "maker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

/* "name": with or without a space, and a value. */
static void piece_set(struct piece *piece, const char *name, int spaced, const char *value)
{
	int n = snprintf((char *)piece->bytes, PIECE_MAX, "\"%s\":%s%s", name, spaced ? " " : "", value);

	piece->len = (uint16_t)n;
}

static int optional_init(struct optional *optional, const struct member *member)
{
	unsigned choices = 0;

	while (choices < MEMBER_CHOICES && member->choices[choices] != NULL)
		choices++;
	optional->kind = member->kind;
	optional->limit = member->limit;
	optional->forms = 2 * (choices == 0 ? 1 : choices);
	optional->form = calloc(optional->forms, sizeof(*optional->form));
	if (optional->form == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < optional->forms; i++)
		piece_set(&optional->form[i], member->name, i & 1, choices == 0 ? "" : member->choices[i / 2]);
	return 0;
}

static void template_init(struct type_template *template, uint32_t rank)
{
	static const enum time_form forms[8] = {
		TIME_US, TIME_MS, TIME_RFC3339, TIME_MS, TIME_S, TIME_US, TIME_MS, TIME_RFC3339};
	uint32_t groups = type_groups(rank);
	char name[48], quoted[52];

	type_name(rank, name);
	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	piece_set(&template->name[0], "type", 0, quoted);
	piece_set(&template->name[1], "type", 1, quoted);
	template->time_form = forms[rank % 8];
	for (unsigned i = 0; i < member_count && template->optional_count < OPTIONAL_MAX; i++)
		if ((members[i].groups & groups) != 0 && random_mix(rank * 64 + i) % 8 != 0)
			template->optional[template->optional_count++] = (uint16_t)i;
}

/* Walker's alias method as Vose builds it (IEEE TSE 17, 1991), in integers so that every machine agrees. */
static int zipf_init(struct event_maker *maker)
{
	uint32_t n = maker->settings.types, small = 0, large = n, i, j;
	uint64_t total = 0, *weight = calloc(n, sizeof(*weight));
	uint32_t *work = calloc(n, sizeof(*work));

	if (weight == NULL || work == NULL) {
		free(weight);
		free(work);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		total += (UINT64_C(1) << 40) / (i + 1);
	for (i = 0; i < n; i++) {
		weight[i] = (UINT64_C(1) << 40) / (i + 1) * n;
		work[weight[i] < total ? small++ : --large] = i;
	}
	while (small > 0 && large < n) {
		i = work[--small];
		j = work[large];
		maker->alias_limit[i] = (uint32_t)((weight[i] << 8) / (total >> 24));
		maker->alias[i] = j;
		weight[j] -= total - weight[i];
		if (weight[j] < total) {
			large++;
			work[small++] = j;
		}
	}
	for (; large < n; large++)
		maker->alias_limit[work[large]] = UINT32_MAX;
	while (small > 0)
		maker->alias_limit[work[--small]] = UINT32_MAX;
	free(weight);
	free(work);
	return 0;
}

static int settings_are_good(const struct event_settings *s)
{
	return s->types >= 1 && s->types <= TYPES_MAX && s->preset <= PRESET_MIX225 && s->pretty_percent <= 100 &&
	       s->body_max >= EVENT_BODY_MIN + 100 && s->body_max <= EVENT_BODY_MAX && s->time_base_us >= 10000000 &&
	       s->time_base_us < INT64_C(1) << 56;
}

int event_maker_new(struct event_maker **out, const struct event_settings *settings)
{
	struct event_maker *maker;
	int rc = 0;

	if (!settings_are_good(settings))
		return -EINVAL;
	maker = calloc(1, sizeof(*maker));
	if (maker == NULL)
		return -ENOMEM;
	maker->settings = *settings;
	maker->types = calloc(settings->types, sizeof(*maker->types));
	maker->optional = calloc(member_count, sizeof(*maker->optional));
	maker->alias = calloc(settings->types, sizeof(*maker->alias));
	maker->alias_limit = calloc(settings->types, sizeof(*maker->alias_limit));
	if (maker->types == NULL || maker->optional == NULL || maker->alias == NULL || maker->alias_limit == NULL)
		rc = -ENOMEM;
	for (unsigned i = 0; rc == 0 && i < member_count; i++)
		rc = optional_init(&maker->optional[i], &members[i]);
	if (rc == 0)
		rc = zipf_init(maker);
	if (rc != 0) {
		event_maker_free(maker);
		return rc;
	}
	for (uint32_t i = 0; i < settings->types; i++)
		template_init(&maker->types[i], i);
	text_init(&maker->text);
	*out = maker;
	return 0;
}

void event_maker_free(struct event_maker *maker)
{
	if (maker == NULL)
		return;
	for (unsigned i = 0; maker->optional != NULL && i < member_count; i++)
		free(maker->optional[i].form);
	free(maker->types);
	free(maker->optional);
	free(maker->alias);
	free(maker->alias_limit);
	free(maker);
}

const struct event_settings *event_settings_of(const struct event_maker *maker)
{
	return &maker->settings;
}
