#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plants every fault that read_back.py is there to find, one at a time, and sees that it and only it is found."""
import io
import os
import tempfile
import unittest
import zlib

import read_back

NODE = "dc1a-68a1b2c3-0"


def event(number, name, extra=b""):
    body = b'{"type":"%s","eid":%d,%s"text":"a" }' % (name, number, extra)
    return body, zlib.crc32(body)


def record(body, topic_index, sequence, tail=b""):
    return body[:-1] + b',"ingest":["%s-%x-%x",1767225600000000,490896,1%s]}' % (NODE.encode(), topic_index, sequence, tail)


def framed(records):
    out = b""
    for topic, partition, offset, key, value in records:
        out += b"%s %d %d %d %d\n%s%s\n" % (topic.encode(), partition, offset, -1 if key is None else len(key), len(value),
                                             key or b"", value)
    return out


class ReadBack(unittest.TestCase):
    def setUp(self):
        self.lines, self.records = [], []
        sequences = {}
        for number in range(200):
            name = b"click" if number % 3 else b"request"
            body, crc = event(number, name, b'"more":"a}\\"\\n, \xc3\xa9",' if number % 5 == 0 else b"")
            index = 1 if name == b"click" else 2
            sequence = sequences[index] = sequences.get(index, -1) + 1
            self.lines.append([number, name, crc, len(body), 1])
            self.records.append(["ev." + name.decode(), number % 2, number // 2, None, record(body, index, sequence)])

    def find(self, block=1 << 20, **options):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(b"".join(b"%d %s %08x %d %d\n" % tuple(line) for line in self.lines))
        try:
            truth = read_back.Truth([file.name])
        finally:
            os.unlink(file.name)
        reader = read_back.Reader(truth, "ev.{}".format, **options)
        count = read_back.parse(io.BytesIO(framed(self.records)), reader.record, block)
        self.assertEqual(count, len(self.records))
        reader.finish()
        return {kind: count for kind, count in reader.counts.items() if count}

    def replace(self, at, old, new):
        value = self.records[at][4]
        self.assertIn(old, value)
        self.records[at][4] = value.replace(old, new, 1)

    def test_a_faultless_run_has_no_fault(self):
        for block in (1, 7, 64, 1 << 20):
            self.assertEqual(self.find(block), {})

    def test_lost_events_may_be_absent(self):
        self.lines.append([200, b"click", 1, 100, 0])
        self.assertEqual(self.find(), {})

    def test_missing(self):
        last = max(i for i, r in enumerate(self.records) if r[0] == "ev.click")
        del self.records[last]
        self.assertEqual(self.find(), {"missing": 1})

    def test_missing_in_the_middle_leaves_a_gap(self):
        del self.records[100]
        self.assertEqual(self.find(), {"missing": 1, "identity_gaps": 1})

    def test_repeated_with_the_same_identity(self):
        self.records.insert(51, list(self.records[50]))
        self.assertEqual(self.find(), {"repeated": 1, "identity_repeated": 1})

    def test_repeated_with_a_new_identity(self):
        again = list(self.records[199])
        again[4] = again[4].replace(b"%s-1-84" % NODE.encode(), b"%s-1-85" % NODE.encode())
        self.records.append(again)
        self.assertEqual(self.find(), {"repeated": 1})

    def test_a_second_copy_that_was_sent_is_wanted(self):
        self.lines[5][4] = 2
        self.assertEqual(self.find(), {"missing": 1})

    def test_changed_byte(self):
        self.replace(10, b'"a"', b'"b"')
        self.assertEqual(self.find(), {"changed": 1, "missing": 1})

    def test_changed_length(self):
        self.replace(10, b' ,"ingest"', b',"ingest"')
        self.assertEqual(self.find(), {"changed": 1, "missing": 1})

    def test_wrong_topic(self):
        body, _ = event(1, b"click")
        self.records[1] = ["ev.request", 1, 999, None, record(body, 1, 0)]
        self.assertEqual(set(self.find()), {"wrong_topic", "bad_ingest"})

    def test_unknown_event(self):
        body, _ = event(777, b"click")
        self.records.append(["ev.click", 0, 999, None, record(body, 1, 0x85)])
        self.assertEqual(self.find(), {"unknown": 1})

    def test_not_json(self):
        for old, new in ((b'"eid"', b'eid'), (b'"eid":10', b'"eid":NaN'), (b"\xc3\xa9", b"\xc3("), (b" }", b"\n}"),
                         (b'"eid":10', b'"eid":10,"eid":10'), (b"\\n", b"\n"), (b'"ingest":[', b'"ingest":[,')):
            with self.subTest(new=new):
                self.setUp()
                self.records[10][4] = self.records[10][4].replace(b",\"ingest\"", b" ,\"ingest\"") if new == b"\n}" else self.records[10][4]
                self.replace(10, b" ,\"ingest\"" if new == b"\n}" else old, b"\n,\"ingest\"" if new == b"\n}" else new)
                found = self.find()
                self.assertEqual(found.pop("not_json"), 1)
                self.assertEqual(set(found), {"missing", "identity_gaps"})

    def test_no_ingest(self):
        value = self.records[10][4]
        self.records[10][4] = value[:value.index(b',"ingest"')] + b"}"
        self.assertEqual(self.find(), {"no_ingest": 1, "missing": 1, "identity_gaps": 1})

    def test_bad_identity(self):
        self.replace(10, b'"dc1a-', b'"DC1A-')
        self.assertEqual(self.find(), {"bad_ingest": 1, "identity_gaps": 1})

    def test_bad_receive_time(self):
        self.replace(10, b",1767225600000000,", b",17672256000,")
        self.assertEqual(self.find(), {"bad_ingest": 1, "identity_gaps": 1})

    def test_out_of_order(self):
        places = [i for i, r in enumerate(self.records) if r[:2] == ["ev.click", 0]]
        a, b = places[3:5]
        self.records[a][4], self.records[b][4] = self.records[b][4], self.records[a][4]
        self.assertEqual(self.find(), {"out_of_order": 1})

    def test_event_time_and_late_mark_are_fine(self):
        body, _ = event(199, b"click")
        self.records[199][4] = record(body, 1, 0x84, b',1767225500000000,"late"')
        self.assertEqual(self.find(), {})

    def test_other_members_of_the_array_are_not(self):
        self.replace(10, b",490896,1]", b',490896,1,null,"early"]')
        self.assertEqual(self.find(), {"bad_ingest": 1, "identity_gaps": 1})

    def test_raw_records(self):
        for line, rec in zip(self.lines, self.records):
            if line[1] == b"request":
                rec[4] = read_back.strip_ingest(rec[4])
        self.assertEqual(self.find(raw_topics=["ev.request"]), {})

    def test_keys_and_partitions(self):
        # Known answers of Kafka's own Utils.murmur2 with toPositive.
        for key, hash_ in ((b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
                           (b"a-little-bit-longer-string", -1486304829), (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
                           (b"abc", 479470107)):
            self.assertEqual(read_back.murmur2(key), hash_ & 0x7fffffff)
        key = b"foobar"
        self.lines, self.records = [], []
        for number, (name, sent_key, partition) in enumerate(((b"foobar", key, read_back.murmur2(key) % 4), (b"foobar", key, 0),
                                                              (b"foobar", b"other", 0), (None, None, 3))):
            body, crc = event(number, b"click", b'"user":"%s",' % name if name else b"")
            self.lines.append([number, b"click", crc, len(body), 1])
            self.records.append(["ev.click", partition, number, sent_key, record(body, 1, number)])
        wrong = read_back.murmur2(key) % 4 != 0
        self.assertEqual(self.find(key_member="user", partitions=4), {"wrong_key": 1, **({"wrong_partition": 1} if wrong else {})})

    def test_output_that_is_cut_is_refused(self):
        data = framed(self.records)
        with self.assertRaises(read_back.Bad):
            read_back.parse(io.BytesIO(data[:-5]), lambda *record: None)


if __name__ == "__main__":
    unittest.main()
