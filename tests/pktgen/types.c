/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include <stdio.h>

#define BASE_TYPES 100

#define C GROUP_CLIENT
#define P GROUP_PAGE
#define I GROUP_ITEM
#define S GROUP_SOCIAL
#define V GROUP_SERVICE

/* clang-format off */
static const struct {
	const char *name;
	uint32_t groups;
} base_types[BASE_TYPES] = {
	{"impression", C | P | I}, {"request", C | P | V}, {"click", C | P | I}, {"view", C | P},
	{"listing", C | P | I}, {"scroll", C | P}, {"search", C | P}, {"pin_save", C | S},
	{"pin_view", C | S}, {"hover", C | P}, {"ad_impression", C | P | I}, {"ad_click", C | P | I},
	{"session_start", C}, {"session_end", C}, {"autocomplete", C | P}, {"recommendation", C | I},
	{"cart_add", C | I}, {"cart_remove", C | I}, {"login", C}, {"logout", C},
	{"video_play", C | S}, {"video_progress", C | S}, {"video_end", C | S}, {"image_load", C | P},
	{"api_call", V}, {"db_query", V}, {"cache_miss", V}, {"rpc", V},
	{"favorite", C | I}, {"unfavorite", C | I}, {"share", C | S}, {"comment", C | S},
	{"like", C | S}, {"follow", C | S}, {"unfollow", C | S}, {"board_create", C | S},
	{"board_view", C | S}, {"pin_create", C | S}, {"pin_hide", C | S}, {"repin", C | S},
	{"message_send", C | S}, {"message_read", C | S}, {"notification_sent", C | V}, {"notification_open", C},
	{"email_sent", V}, {"email_open", C}, {"email_click", C | P}, {"push_sent", V},
	{"checkout_start", C | I}, {"checkout_step", C | I}, {"payment", C | I}, {"payment_failed", C | I | V},
	{"order", C | I}, {"order_cancel", C | I}, {"refund", C | I}, {"shipment", I | V},
	{"review", C | I}, {"rating", C | I}, {"price_change", I | V}, {"inventory", I | V},
	{"signup", C}, {"signup_step", C}, {"password_reset", C}, {"profile_edit", C | S},
	{"experiment_exposure", C | P}, {"feature_flag", C | V}, {"error", C | V}, {"crash", C | V},
	{"page_timing", C | P}, {"web_vital", C | P}, {"dns_lookup", V}, {"tls_handshake", V},
	{"bot_score", C | V}, {"captcha", C}, {"abuse_report", C | S}, {"moderation", S | V},
	{"upload", C | S}, {"download", C | P}, {"print", C | P}, {"bookmark", C | P},
	{"subscribe", C}, {"unsubscribe", C}, {"coupon_apply", C | I}, {"wishlist_add", C | I},
	{"compare", C | I}, {"filter_apply", C | P}, {"sort_apply", C | P}, {"map_move", C | P},
	{"store_visit", C | I}, {"call_click", C | P}, {"chat_open", C}, {"chat_message", C | S},
	{"survey", C}, {"referral", C | S}, {"bid_request", I | V}, {"bid_response", I | V},
	{"auction", I | V}, {"conversion", C | I}, {"attribution", C | I | V}, {"heartbeat", V},
};

static const char *const platforms[] = {"ios", "android", "tv", "partner", "batch"};

const struct member members[] = {
	{"session", C, MEMBER_HEX, 16, {NULL}},
	{"trace", C | V, MEMBER_HEX, 32, {NULL}},
	{"etag", P | V, MEMBER_HEX, 8, {NULL}},
	{"dur_ms", C | P | V, MEMBER_NUMBER, 60000, {NULL}},
	{"seq", C, MEMBER_NUMBER, 500, {NULL}},
	{"pos", P | I, MEMBER_NUMBER, 120, {NULL}},
	{"bytes", P | V, MEMBER_NUMBER, 20000000, {NULL}},
	{"shard", V, MEMBER_NUMBER, 4096, {NULL}},
	{"seller", I, MEMBER_NUMBER, 90000000, {NULL}},
	{"board", S, MEMBER_NUMBER, 2000000000, {NULL}},
	{"score", I | S, MEMBER_DECIMAL, 1000000, {NULL}},
	{"price", I, MEMBER_DECIMAL, 400000, {NULL}},
	{"load", V, MEMBER_DECIMAL, 3000, {NULL}},
	{"lat", C, MEMBER_DECIMAL, 89000, {NULL}},
	{"bot", C, MEMBER_CHOICE, 0, {"false", "false", "false", "true"}},
	{"ab", C | P, MEMBER_CHOICE, 0, {"null", "\"A\"", "\"B\"", "[1,7,42]", "{}", "[]"}},
	{"lang", C | P, MEMBER_CHOICE, 0, {"\"en-US\"", "\"de\"", "\"ja\"", "\"pt-BR\"", "\"fr\"", "\"zh-Hant\""}},
	{"os", C, MEMBER_CHOICE, 0, {"\"iOS 17.2\"", "\"Android 14\"", "\"Windows\"", "\"macOS\"", "\"Linux\""}},
	{"app", C, MEMBER_CHOICE, 0, {"{\"v\":\"24.11.3\",\"build\":90817}", "{ \"v\" : \"24.12.0\" , \"build\" : 90901 }",
		"\"web\"", "{\"v\":\"23.1\",\"flags\":[\"dark\",\"beta\"],\"store\":null}"}},
	{"device", C, MEMBER_CHOICE, 0, {"{\"type\":\"phone\",\"model\":\"Pixel 8\",\"px\":[1080,2400]}",
		"{\"type\":\"tablet\",\"model\":\"iPad13,4\",\"px\":[2388,1668],\"dpr\":2.0}",
		"{\"type\":\"desktop\",\"px\":[1920,1080]}", "{\"type\":\"tv\",\"px\":[3840,2160],\"hdr\":true}"}},
	{"ua", C, MEMBER_CHOICE, 0, {
		"\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\"",
		"\"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148\"",
		"\"Mozilla\\/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko\\/20100101 Firefox\\/121.0\"",
		"\"okhttp/4.12.0\"", "\"curl/7.88.1\""}},
	{"url", P, MEMBER_CHOICE, 0, {"\"https://www.example.com/shop/ceramics?ref=nav&page=2\"", "\"/\"",
		"\"https:\\/\\/m.example.com\\/b\\/home-decor\\/1049\\/bn_1852667\"",
		"\"https://www.example.com/sch/i.html?_nkw=vintage%20lamp&_sacat=0&rt=nc&LH_BIN=1\"",
		"\"https://example.org/caf\xc3\xa9/men\xc3\xbc#\xc3\xbc""ber\""}},
	{"ref", P, MEMBER_CHOICE, 0, {"null", "\"\"", "\"https://www.search.example/\"",
		"\"https://news.example.net/2025/11/best-gifts?utm_source=feed&utm_medium=social\"", "\"android-app://com.mail\""}},
	{"query", P, MEMBER_CHOICE, 0, {"\"vintage lamp\"", "\"27\\\" monitor\"", "\"\xe6\x9d\xb1\xe4\xba\xac \xe5\x9c\xb0\xe5\x9b\xb3\"",
		"\"cr\\u00e8me br\\u00fbl\\u00e9e set\"", "\"\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb0\"", "\"{\\\"type\\\":\\\"trap\\\"}\""}},
	{"status", P | V, MEMBER_CHOICE, 0, {"200", "200", "304", "404", "500", "301"}},
	{"method", P | V, MEMBER_CHOICE, 0, {"\"GET\"", "\"POST\"", "\"PUT\"", "\"HEAD\""}},
	{"viewport", P, MEMBER_CHOICE, 0, {"{\"w\":390,\"h\":844}", "{\"w\":1440,\"h\":900,\"scroll\":{\"x\":0,\"y\":2210}}", "[1280,720]"}},
	{"currency", I, MEMBER_CHOICE, 0, {"\"USD\"", "\"EUR\"", "\"JPY\"", "\"GBP\"", "\"\\u20ac\""}},
	{"title", I | S, MEMBER_CHOICE, 0, {"\"Hand-thrown mug, 12 oz\"", "\"Fahrradschl\xc3\xb6sser f\xc3\xbcr Kinder\"",
		"\"Sac \\u00e0 main en cuir\"", "\"\xf0\x9f\x8e\x81 Gift box \xf0\x9f\x8e\x80\"", "\"C:\\\\prints\\\\A3 \\\"framed\\\"\""}},
	{"attrs", I, MEMBER_CHOICE, 0, {"{\"color\":\"blue\",\"size\":\"M\"}", "{\"mat\":[\"wood\",\"steel\"],\"w\":12.5,\"h\":3e1}",
		"{\"cond\":\"used\",\"ship\":{\"free\":true,\"days\":[2,3,5]},\"ret\":null}", "{}"}},
	{"items", I, MEMBER_CHOICE, 0, {"[{\"item\":101,\"qty\":1},{\"item\":202,\"qty\":3}]", "[]",
		"[{\"item\":7,\"p\":[{\"amt\":1.99,\"cur\":\"USD\"}]}]", "[[1,2],[3,[4,5]],[]]"}},
	{"cats", I | P, MEMBER_CHOICE, 0, {"[11450,15724,63861]", "[\"home\",\"garden\",\"lighting\"]", "[293]"}},
	{"tags", S, MEMBER_CHOICE, 0, {"[\"diy\",\"wood\"]", "[\"\xe6\x97\x85\xe8\xa1\x8c\",\"\xe5\x86\x99\xe7\x9c\x9f\"]",
		"[\"\\ud83c\\udf1f\",\"best-of\"]", "[\"a\\tb\",\"c\\nd\"]", "[]"}},
	{"to", S, MEMBER_CHOICE, 0, {"\"u81231\"", "[\"u1\",\"u2\",\"u3\"]", "{\"group\":\"g-17\",\"user\":null}"}},
	{"media", S, MEMBER_CHOICE, 0, {"{\"type\":\"image\\/webp\",\"w\":736,\"h\":1104,\"ts\":0}", "{\"type\":\"video\",\"len\":14.02}", "null"}},
	{"host", V, MEMBER_CHOICE, 0, {"\"web-0417.dc1.example.net\"", "\"api-12.dc2\"", "\"cache-003.dc3.example.net\""}},
	{"svc", V, MEMBER_CHOICE, 0, {"{\"name\":\"search-front\",\"ver\":\"1.88.2\",\"ip\":\"10.0.0.1\"}", "\"cart\"", "\"mail-out\"",
		"{\"name\":\"bid\",\"zone\":\"c\",\"pod\":\"bid-6c9f7b-x2x9q\"}"}},
	{"err", V, MEMBER_CHOICE, 0, {"null", "{\"code\":\"E_TIMEOUT\",\"msg\":\"upstream said \\\"busy\\\"\",\"retry\":true}",
		"{\"code\":-32601,\"stack\":[\"a.c:10\",\"b.c:220\"]}"}},
};
/* clang-format on */
const unsigned member_count = sizeof(members) / sizeof(members[0]);

void type_name(uint32_t rank, char *name)
{
	if (rank < BASE_TYPES)
		snprintf(name, 48, "%s", base_types[rank].name);
	else
		snprintf(name, 48, "%s_%s", base_types[rank % BASE_TYPES].name, platforms[rank / BASE_TYPES - 1]);
}

uint32_t type_groups(uint32_t rank)
{
	return base_types[rank % BASE_TYPES].groups;
}
