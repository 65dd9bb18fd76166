/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The rig with types, rules and tables of a configuration. Include after cmocka. */

#include <unistd.h>

#include "control/daemon/config.h"
#include "geo_writer.h"
#include "rig.h"
#include "sources_helpers.h"
#include "tables/category.h"
#include "tables/geo.h"
#include "wire/frame.h"
#include "worker/senders.h"

struct judged {
	struct rig *rig;
	struct config *config;
};

static inline void give_quotas(struct rig *rig, const struct quotas *quotas)
{
	const struct senders_config config = {.count = 16, .node = MEMORY_ANY_NODE};

	if (quotas->count == 0)
		return;
	rig->generation->quotas = malloc(sizeof(*quotas));
	assert_non_null(rig->generation->quotas);
	*rig->generation->quotas = *quotas;
	quotas_seal(rig->generation->quotas, clock_hz());
	assert_int_equal(senders_new(&rig->config.senders, &config), 0);
}

static inline void load_tables(struct generation *generation)
{
	char geo_path[] = "/tmp/judge-geo-XXXXXX", category_path[] = "/tmp/judge-XXXXXX.tsv";
	const struct geo_config geo = {
		.paths = {geo_path}, .path_count = 1, .fields = GEO_COUNTRY, .budget_bytes = 1u << 30, .node = -1};
	const struct category_config category = {
		.path = category_path, .name = "category", .budget_bytes = 1u << 30, .node = -1};
	struct geo_writer *writer = geo_writer_new(6, 24);
	int fd = mkstemps(category_path, 4);
	struct error error = {""};

	assert_int_equal(write(fd, "7\tshoes\nabc\thats\n", 17), 17);
	close(fd);
	close(mkstemp(geo_path));
	assert_int_equal(geo_writer_put_text(writer, "200.0.0.0/8 BR - -"), 0);
	assert_int_equal(geo_writer_put_text(writer, "2001:db8::/32 DE - -"), 0);
	assert_int_equal(geo_writer_write(writer, geo_path), 0);
	geo_writer_free(writer);
	if (geo_new(&generation->geo, &geo, &error) != 0 || category_new(&generation->category, &category, &error) != 0)
		fail_msg("%s", error.text);
	unlink(geo_path);
	unlink(category_path);
}

/* `types`: that section; `more`: others. */
static inline struct judged judged_new(const char *types, const char *more, int with_tables)
{
	struct judged j = {.rig = rig_new(32)};
	char text[4096];
	int length = snprintf(text, sizeof(text),
		"node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n%s%s", types,
		more);
	struct generation *generation = j.rig->generation;
	struct error error = {""};

	if (config_read_text(&j.config, "p.yaml", text, (size_t)length, &error) != 0)
		fail_msg("%s", error.text);
	*generation->types = *j.config->types;
	for (unsigned i = 0; i < j.config->types->count; i++)
		j.config->types->types[i].plan = NULL; /* the generation frees them */
	memcpy(j.rig->topics.topics, j.config->topics->topics, sizeof(j.rig->topics.topics));
	j.rig->topics.count = j.config->topics->count;
	memcpy(j.rig->inputs[0].key_member, j.config->inputs[0].key_member, sizeof(j.rig->inputs[0].key_member));
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(j.rig->inputs[i].client_member, MEMBER_MAX, "ip");
		(void)snprintf(j.rig->inputs[i].item_member, MEMBER_MAX, "item");
	}
	if (with_tables)
		load_tables(generation);
	j.rig->config.credit_percent = j.config->credit_percent;
	j.rig->config.sources = table_new(4, 64, 1u << 30);
	give_quotas(j.rig, &j.config->quotas);
	rig_start(j.rig);
	assert_int_equal(worker_prepare(j.rig->worker, j.config->topics->count, 1), 0);
	return j;
}

static inline void expect_none(struct judged *j)
{
	assert_null(rig_take(j->rig, NULL, NULL));
}

/* A frame of one event, as its own burst. */
static inline void judged_put_frame(struct judged *j, const struct frame_event *event)
{
	struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = 1};
	struct frame_writer writer;
	uint8_t data[512];

	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	assert_int_equal(frame_add(&writer, event), 0);
	rig_put(j->rig, RIG_PORT_FRAME, data, frame_end(&writer));
}

static inline void judged_free(struct judged *j)
{
	struct sources *sources = j->rig->config.sources;
	struct senders *senders = j->rig->config.senders;

	rig_free(j->rig);
	sources_free(sources);
	senders_free(senders);
	config_free(j->config);
}
