#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plants a violation of each rule in a clean tree and sees that house.py finds it, and nothing else."""
import os
import tempfile
import unittest

import house

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HEADER = SPDX + "#pragma once\n"
CLEAN = {
    "dataplane/base/ring.h": HEADER + "#include <rte_ring.h>\n",
    "dataplane/wire/event.h": HEADER + '#include "base/ring.h"\n',
    "dataplane/batch/batch.h": HEADER,
    "dataplane/worker/loop.c": SPDX + '#include "nic/source.h"\n#include "batch/batch.h"\n\n/* free(x) in words */\n',
    "dataplane/worker/input.h": HEADER,
    "dataplane/kafka/client.c": SPDX + "#include <librdkafka/rdkafka.h>\n",
    "dataplane/kafka/client.h": HEADER,
    "dataplane/egress/producer.c": SPDX + '#include "kafka/client.h"\n#include <stdlib.h>\n\nint x = malloc(1);\n',
    "nic/source.h": HEADER,
    "nic/port.h": HEADER,
    "nic/receive.c": SPDX + '#include <rte_mbuf.h>\n#include "port.h"\n',
    "control/api/client.h": HEADER + "#include <jansson.h>\n",
    "control/daemon/main.c": SPDX + '#include "worker/input.h"\n#include "api/client.h"\n',
    "control/cli/main.c": SPDX + '#include "api/client.h"\n',
    "tests/pktgen/main.c": SPDX + '#include "wire/event.h"\n',
    "tests/unit/worker/loop.c": SPDX + '#include "kafka/client.h"\n#include <cmocka.h>\n',
    "check": "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\nset -euo pipefail\n",
}


class House(unittest.TestCase):
    def found(self, **planted):
        tree = dict(CLEAN)
        tree.update(planted)
        return [(path, rule) for path, _, rule in house.check(tree)]

    def expect(self, path, more, word):
        found = self.found(**{path: CLEAN.get(path, SPDX) + more})
        self.assertEqual([p for p, _ in found], [path], found)
        self.assertIn(word, found[0][1])

    def test_the_clean_tree_is_clean(self):
        self.assertEqual(self.found(), [])

    def test_includes_between_rooms(self):
        for path, name in (("dataplane/base/ring.h", "wire/event.h"), ("dataplane/wire/event.h", "batch/batch.h"),
                           ("dataplane/batch/batch.h", "wire/event.h"), ("dataplane/worker/loop.c", "nic/port.h"),
                           ("dataplane/worker/loop.c", "kafka/client.h"), ("dataplane/egress/producer.c", "worker/input.h"),
                           ("dataplane/kafka/client.c", "batch/batch.h"), ("nic/receive.c", "worker/input.h"),
                           ("nic/receive.c", "../control/api/client.h"), ("control/cli/main.c", "base/ring.h"),
                           ("control/api/client.h", "base/ring.h"), ("tests/pktgen/main.c", "batch/batch.h"),
                           ("dataplane/worker/loop.c", "../../control/api/client.h")):
            with self.subTest(path=path, name=name):
                self.expect(path, f'#include "{name}"\n', "must not include")

    def test_foreign_headers_stay_where_they_belong(self):
        for path, name in (("dataplane/egress/producer.c", "librdkafka/rdkafka.h"), ("dataplane/worker/loop.c", "rte_mbuf.h"),
                           ("control/api/client.h", "rte_ring.h"), ("nic/receive.c", "jansson.h"),
                           ("control/cli/main.c", "librdkafka/rdkafka.h"), ("dataplane/base/ring.h", "cmocka.h")):
            with self.subTest(path=path, name=name):
                self.expect(path, f"#include <{name}>\n", "may include")

    def test_poll_cores_do_not_allocate_print_lock_or_wait(self):
        for call in ("malloc(8)", "free(p)", 'printf("x")', "pthread_mutex_lock(&m)", "usleep(1)", 'log_write(LOG_INFO, "x")'):
            with self.subTest(call=call):
                self.expect("dataplane/worker/loop.c", "\nstatic int worker_burst(void)\n{\n\t%s;\n}\n" % call, "poll cores")
        done = "int pool_new(struct pool **out,\n\tint count)\n{\n\t*out = malloc(8);\n}\n"
        self.assertEqual(self.found(**{"dataplane/batch/pool.c": SPDX + done}), [])
        self.expect("dataplane/tables/geo.c", "\nvoid geo_find(int a)\n{\n\tfree(a);\n}\n", "poll cores")
        self.expect("dataplane/batch/pool.c", done + "\nvoid pool_get(int a)\n{\n\tif (a)\n\t\tfree(a);\n}\n", "poll cores")

    def test_words_of_drafts(self):
        for word in ("TO" "DO", "FIX" "ME", "HA" "CK", "/wor" "k/main"):
            with self.subTest(word=word):
                self.expect("nic/receive.c", f"/* {word}: later */\n", word)

    def test_shape(self):
        self.expect("nic/receive.c", "int x;\n" * 500, "lines")
        self.expect("nic/receive.c", "\t" * 10 + "x" * 60 + "\n", "columns")
        self.expect("nic/receive.c", "int x; \n", "white space")
        self.expect("nic/receive.c", "int x;", "newline")
        for path, text, word in (("nic/none.c", "int x;\n", "SPDX"), ("nic/none.h", SPDX, "pragma"),
                                 ("tests/run", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n", "pipefail"),
                                 ("elsewhere/x.c", SPDX, "outside")):
            with self.subTest(path=path):
                found = self.found(**{path: text})
                self.assertEqual([p for p, _ in found], [path])
                self.assertIn(word, found[0][1])

    def test_files_are_read_from_a_folder_and_builds_are_not(self):
        with tempfile.TemporaryDirectory() as root:
            for path in ("nic/a.c", "build-x/b.c", "tests/broker/kafka", "data.bin"):
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "wb") as file:
                    file.write(b"\xff" if path == "nic/a.c" else b"x\n")
            tree = house.read_tree(root)
            self.assertEqual(sorted(tree), ["nic/a.c", "tests/broker/kafka"])
            self.assertIn(("nic/a.c", 1, "not UTF-8"), list(house.check(tree)))

    def test_scripts_that_do_not_parse(self):
        with tempfile.TemporaryDirectory() as root:
            tree = {"bad.sh": "if\n", "bad.py": "def\n", "good.sh": "true\n"}
            for path, text in tree.items():
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertEqual([path for path, _, _ in house.check_syntax(root, tree)], ["bad.sh", "bad.py"])


if __name__ == "__main__":
    unittest.main()
