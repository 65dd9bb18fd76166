/* SPDX-License-Identifier: Apache-2.0 */

/* Makes a database in MaxMind's format from lines on standard input, "PREFIX COUNTRY ASN CITY", "-" for what is not
 * known: geo-make FILE 4|6 [24|28|32] [aliases] */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo_writer.h"

int main(int argc, char **argv)
{
	unsigned ip_version = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned record_bits = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 28;
	struct geo_writer *writer;
	unsigned number = 0;
	char line[512];

	if ((ip_version != 4 && ip_version != 6) || (record_bits != 24 && record_bits != 28 && record_bits != 32)) {
		fprintf(stderr, "geo-make FILE 4|6 [24|28|32] [aliases], with lines PREFIX COUNTRY ASN CITY on "
				"standard input\n");
		return 64;
	}
	writer = geo_writer_new(ip_version, record_bits);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		number++;
		if (geo_writer_put_text(writer, line) != 0) {
			fprintf(stderr, "geo-make: line %u: no PREFIX COUNTRY ASN CITY\n", number);
			return EXIT_FAILURE;
		}
	}
	if (argc > 4 && ip_version == 6 && strcmp(argv[4], "aliases") == 0)
		geo_writer_aliases(writer);
	if (geo_writer_write(writer, argv[1]) != 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	geo_writer_free(writer);
	return EXIT_SUCCESS;
}
