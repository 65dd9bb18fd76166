/* SPDX-License-Identifier: Apache-2.0 */

/* What is said of an address: fields, layers, texts that JSON escapes, limits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "geo_rig.h"

static void check(const struct geo *geo, const char *address, const char *expected)
{
	struct slice fragment = rig_find(geo, address);

	if (fragment.len != strlen(expected) || memcmp(fragment.data, expected, fragment.len) != 0)
		fail_msg("%s: %.*s, expected %s", address, (int)fragment.len, (const char *)fragment.data, expected);
}

static struct geo *load_one(const char *name, unsigned fields, const char *const lines[])
{
	const char *files[] = {rig_write(name, 6, 24, lines), NULL};

	return rig_load(fields, files);
}

static void only_fields_that_are_asked_for_are_rendered(void **state)
{
	static const char *const lines[] = {
		"10.0.0.0/8 DE 64512 Kiel", "11.0.0.0/8 - 64513 -", "12.0.0.0/8 fr 0 -", NULL};
	struct geo *geo = load_one("fields.mmdb", RIG_ALL, lines);

	(void)state;
	check(geo, "10.1.2.3", ",\"geo\":{\"country\":\"DE\",\"city\":\"Kiel\",\"asn\":64512}");
	check(geo, "11.1.2.3", ",\"geo\":{\"country\":\"ZZ\",\"asn\":64513}");
	check(geo, "12.1.2.3", ",\"geo\":{\"country\":\"FR\"}");
	check(geo, "13.1.2.3", ",\"geo\":{\"country\":\"ZZ\"}");
	geo_free(geo);
	geo = load_one("fields.mmdb", GEO_COUNTRY, lines);
	check(geo, "10.1.2.3", ",\"geo\":{\"country\":\"DE\"}");
	check(geo, "11.1.2.3", ",\"geo\":{\"country\":\"ZZ\"}");
	geo_free(geo);
	geo = load_one("fields.mmdb", GEO_CITY | GEO_ASN, lines);
	check(geo, "10.1.2.3", ",\"geo\":{\"city\":\"Kiel\",\"asn\":64512}");
	check(geo, "12.1.2.3", ",\"geo\":{}");
	geo_free(geo);
	rig_files_remove();
}

static void what_no_layer_knows_is_place_unknown(void **state)
{
	static const char *const lines[] = {"10.0.0.0/8 DE 0 -", "11.0.0.0/8 ZZ 0 -", NULL};
	struct geo *geo = load_one("unknown.mmdb", RIG_ALL, lines);
	const struct ip_address addresses[] = {address_of_v4(10u << 24), address_of_v4(11u << 24),
		address_of_v4(12u << 24), {0, 1}, {UINT64_MAX, UINT64_MAX}};
	uint32_t places[ARRAY_LENGTH(addresses)];

	(void)state;
	geo_find_burst(geo, addresses, ARRAY_LENGTH(addresses), places);
	assert_int_not_equal(places[0], GEO_UNKNOWN);
	for (unsigned i = 1; i < ARRAY_LENGTH(addresses); i++)
		assert_int_equal(places[i], GEO_UNKNOWN);
	geo_free(geo);
	rig_files_remove();
}

static void the_first_layer_that_knows_a_field_counts(void **state)
{
	static const char *const private[] = {
		"10.0.0.0/8 ZZ 64512 Our own net", "10.9.0.0/16 - 64999 -", "200.160.2.0/24 - 0 Lab", NULL};
	static const char *const cities[] = {
		"10.0.0.0/7 US 1 Atlanta", "200.160.0.0/20 BR 0 Recife", "2001:db8::/32 JP 0 Osaka", NULL};
	static const char *const numbers[] = {"200.0.0.0/8 AR 27715 -", "2001:db8::/33 JP 2500 -", NULL};
	const char *files[] = {rig_write("private.mmdb", 4, 24, private), rig_write("cities.mmdb", 6, 28, cities),
		rig_write("numbers.mmdb", 6, 32, numbers), NULL};
	struct geo *geo = rig_load(RIG_ALL, files);

	(void)state;
	check(geo, "10.1.0.1", ",\"geo\":{\"country\":\"ZZ\",\"city\":\"Our own net\",\"asn\":64512}");
	check(geo, "10.9.0.1", ",\"geo\":{\"country\":\"US\",\"city\":\"Atlanta\",\"asn\":64999}");
	check(geo, "11.0.0.1", ",\"geo\":{\"country\":\"US\",\"city\":\"Atlanta\",\"asn\":1}");
	check(geo, "200.160.2.3", ",\"geo\":{\"country\":\"BR\",\"city\":\"Lab\",\"asn\":27715}");
	check(geo, "200.160.3.3", ",\"geo\":{\"country\":\"BR\",\"city\":\"Recife\",\"asn\":27715}");
	check(geo, "200.1.1.1", ",\"geo\":{\"country\":\"AR\",\"asn\":27715}");
	check(geo, "2001:db8::1", ",\"geo\":{\"country\":\"JP\",\"city\":\"Osaka\",\"asn\":2500}");
	check(geo, "2001:db8:8000::1", ",\"geo\":{\"country\":\"JP\",\"city\":\"Osaka\"}");
	check(geo, "::10.9.0.1", ",\"geo\":{\"country\":\"US\",\"city\":\"Atlanta\",\"asn\":64999}");
	geo_free(geo);
	rig_files_remove();
}

static void mapped_addresses_are_ipv4(void **state)
{
	static const char *const lines[] = {"192.0.2.0/25 DE 0 -", "::ffff:192.0.2.128/121 FR 0 -", NULL};
	struct geo *geo = load_one("mapped.mmdb", RIG_ALL, lines);

	(void)state;
	check(geo, "192.0.2.127", ",\"geo\":{\"country\":\"DE\"}");
	check(geo, "::ffff:192.0.2.127", ",\"geo\":{\"country\":\"DE\"}");
	check(geo, "192.0.2.128", ",\"geo\":{\"country\":\"FR\"}");
	check(geo, "192.0.3.0", ",\"geo\":{\"country\":\"ZZ\"}");
	geo_free(geo);
	rig_files_remove();
}

static void aliases_lead_to_ipv4(void **state)
{
	struct geo_writer *writer = geo_writer_new(6, 24);
	const char *files[] = {rig_path("alias.mmdb"), NULL};
	struct geo *geo;

	(void)state;
	assert_int_equal(geo_writer_put_text(writer, "192.0.2.4/30 DE 0 -"), 0);
	geo_writer_aliases(writer);
	assert_int_equal(geo_writer_write(writer, files[0]), 0);
	geo_writer_free(writer);
	geo = rig_load(RIG_ALL, files);
	for (unsigned i = 0; i < 12; i++) {
		static const char *const forms[] = {"::192.0.2.%u", "::ffff:192.0.2.%u", "192.0.2.%u"};
		const char *expected = i / 4 == 1 ? ",\"geo\":{\"country\":\"DE\"}" : ",\"geo\":{\"country\":\"ZZ\"}";
		char text[64];

		for (unsigned form = 0; form < ARRAY_LENGTH(forms); form++) {
			(void)snprintf(text, sizeof(text),
				form == 0   ? "::192.0.2.%u"
				: form == 1 ? "::ffff:192.0.2.%u"
					    : "192.0.2.%u",
				i);
			check(geo, text, expected);
		}
		(void)snprintf(text, sizeof(text), "2002:c000:020%x:1::5", i);
		check(geo, text, expected);
		(void)snprintf(text, sizeof(text), "2001:0:c000:020%x::", i);
		check(geo, text, expected);
	}
	check(geo, "2001:1:c000:0204::", ",\"geo\":{\"country\":\"ZZ\"}");
	geo_free(geo);
	rig_files_remove();
}

static void check_city(const char *city, const char *expected_member)
{
	const struct geo_writer_record record = {.city = city, .asn = UINT32_MAX};
	struct geo_writer *writer = geo_writer_new(4, 24);
	const char *files[] = {rig_path("city.mmdb"), NULL};
	char expected[256];
	struct geo *geo;

	geo_writer_put(writer, address_of_v4(10u << 24), 104, &record);
	assert_int_equal(geo_writer_write(writer, files[0]), 0);
	geo_writer_free(writer);
	geo = rig_load(RIG_ALL, files);
	(void)snprintf(
		expected, sizeof(expected), ",\"geo\":{\"country\":\"ZZ\"%s,\"asn\":4294967295}", expected_member);
	assert_true(strlen(expected) <= GEO_FRAGMENT_MAX);
	check(geo, "10.0.0.0", expected);
	geo_free(geo);
	rig_files_remove();
}

static void cities_are_valid_json(void **state)
{
	(void)state;
	check_city("a\"b\\c", ",\"city\":\"a\\\"b\\\\c\"");
	check_city("a\nb\x01\x1f\x7f", ",\"city\":\"a\\u000ab\\u0001\\u001f\x7f\"");
	check_city("Z\xC3\xBCrich \xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x8F\x99",
		",\"city\":\"Z\xC3\xBCrich \xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x8F\x99\"");
	check_city("Z\xFCrich", "");
	check_city("cut \xC3", "");
	check_city("\xED\xA0\x80", "");
	check_city("", "");
}

#define TEN "0123456789"

static void long_cities_are_cut_between_characters(void **state)
{
	(void)state;
	check_city(TEN TEN TEN TEN TEN TEN TEN, ",\"city\":\"" TEN TEN TEN TEN TEN TEN TEN "\"");
	check_city(TEN TEN TEN TEN TEN TEN TEN "0", ",\"city\":\"" TEN TEN TEN TEN TEN TEN TEN "\"");
	check_city(TEN TEN TEN TEN TEN TEN "012345678\xC3\xBC", ",\"city\":\"" TEN TEN TEN TEN TEN TEN "012345678\"");
	check_city(TEN TEN TEN TEN TEN TEN "01234567\xC3\xBC",
		",\"city\":\"" TEN TEN TEN TEN TEN TEN "01234567\xC3\xBC\"");
	check_city(TEN TEN TEN TEN TEN TEN "01234567\"", ",\"city\":\"" TEN TEN TEN TEN TEN TEN "01234567\\\"\"");
	check_city(TEN TEN TEN TEN TEN TEN "012345678\"", ",\"city\":\"" TEN TEN TEN TEN TEN TEN "012345678\"");
	check_city(
		TEN TEN TEN TEN TEN TEN "0123456\xF0\x9F\x8F\x99", ",\"city\":\"" TEN TEN TEN TEN TEN TEN "0123456\"");
}

static void records_of_other_shapes_say_nothing(void **state)
{
	/* {"country":"DE"}; {"country":{"iso_code":"DEU"}}; {"country_code":"D1"}; {"autonomous_system_number":"1"};
	 * "DE"; {} */
	static const struct {
		const char *bytes;
		uint32_t size;
	} records[] = {{"\xE1\x47"
			"country\x42"
			"DE",
			       12},
		{"\xE1\x47"
		 "country\xE1\x48"
		 "iso_code\x43"
		 "DEU",
			23},
		{"\xE1\x4C"
		 "country_code\x42"
		 "D1",
			17},
		{"\xE1\x58"
		 "autonomous_system_number\x41"
		 "1",
			28},
		{"\x42"
		 "DE",
			3},
		{"\xE0", 1}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(records); i++) {
		struct geo_writer *writer = geo_writer_new(4, 24);
		const char *files[] = {rig_path("shape.mmdb"), NULL};
		struct geo *geo;

		geo_writer_put_data(writer, address_of_v4(10u << 24), 104, records[i].bytes, records[i].size);
		assert_int_equal(geo_writer_write(writer, files[0]), 0);
		geo_writer_free(writer);
		geo = rig_load(RIG_ALL, files);
		check(geo, "10.0.0.0", ",\"geo\":{\"country\":\"ZZ\"}");
		geo_free(geo);
		rig_files_remove();
	}
}

static void a_table_beyond_its_budget_is_refused(void **state)
{
	static const char *const lines[] = {"10.0.0.0/8 DE 64512 Kiel", NULL};
	struct geo_config config = {.path_count = 1, .fields = RIG_ALL, .budget_bytes = UINT64_MAX, .node = -1};
	struct geo_info info;
	struct error error;
	struct geo *geo;

	(void)state;
	config.paths[0] = rig_write("budget.mmdb", 6, 24, lines);
	assert_int_equal(geo_new(&geo, &config, &error), 0);
	geo_describe(geo, &info);
	geo_free(geo);
	config.budget_bytes = info.bytes;
	assert_int_equal(geo_new(&geo, &config, &error), 0);
	geo_free(geo);
	for (uint64_t budget = 0; budget < info.bytes; budget += budget / 8 + 1) {
		config.budget_bytes = budget;
		assert_int_equal(geo_new(&geo, &config, &error), -EFBIG);
		assert_non_null(strstr(error.text, "budget"));
	}
	rig_files_remove();
}

static void a_table_that_nobody_wants_any_more_is_not_built(void **state)
{
	static const char *const lines[] = {"10.0.0.0/8 DE 64512 Kiel", NULL};
	atomic_int leave = 1;
	struct geo_config config = {.path_count = 1, .fields = RIG_ALL, .budget_bytes = UINT64_MAX, .node = -1, .leave = &leave};
	struct error error;
	struct geo *geo;

	(void)state;
	config.paths[0] = rig_write("unwanted.mmdb", 6, 24, lines);
	assert_int_equal(geo_new(&geo, &config, &error), -ECANCELED);
	atomic_store(&leave, 0);
	assert_int_equal(geo_new(&geo, &config, &error), 0);
	geo_free(geo);
	rig_files_remove();
}

static void a_table_tells_of_itself(void **state)
{
	static const char *const lines[] = {
		"10.0.0.0/8 DE 0 -", "11.0.0.0/8 DE 0 -", "20.0.0.0/8 FR 0 -", "2001:db8::/32 FR 0 -", NULL};
	struct geo *geo = load_one("info.mmdb", RIG_ALL, lines);
	struct geo_info info;

	(void)state;
	geo_describe(geo, &info);
	assert_int_equal(info.places, 3); /* the unknown one too */
	assert_int_equal(
		info.prefixes, 4); /* two of IPv4, one of IPv6, and that IPv4 is found in ::/96 as well */
	assert_int_equal(info.built_us, INT64_C(1767225600000000));
	assert_true(info.bytes > 1000 && info.bytes < 100000);
	geo_free(geo);
	geo_free(NULL);
	rig_files_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_fields_that_are_asked_for_are_rendered),
		cmocka_unit_test(what_no_layer_knows_is_place_unknown),
		cmocka_unit_test(the_first_layer_that_knows_a_field_counts),
		cmocka_unit_test(mapped_addresses_are_ipv4),
		cmocka_unit_test(aliases_lead_to_ipv4),
		cmocka_unit_test(cities_are_valid_json),
		cmocka_unit_test(long_cities_are_cut_between_characters),
		cmocka_unit_test(records_of_other_shapes_say_nothing),
		cmocka_unit_test(a_table_beyond_its_budget_is_refused),
		cmocka_unit_test(a_table_that_nobody_wants_any_more_is_not_built),
		cmocka_unit_test(a_table_tells_of_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
