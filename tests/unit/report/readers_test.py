# SPDX-License-Identifier: BSD-3-Clause
"""Readers: files of benches become points, and wrong data is no figure."""

import json
import pathlib
import tempfile
import unittest

import synthetic  # noqa: F401
from reporting import readers, samples

RUN = {"ranks": 4, "results": [{"size": 8, "busbw": 0.5, "wrong": 0}, {"size": 64, "busbw": 2.0, "wrong": None}]}
LINE = {
    "plan": "devmem",
    "pairs": 4,
    "directions": 2,
    "mbits": 250,
    "payload": 4096,
    "wire": 4186,
    "gbs": 0.225,
    "cpu_s_per_gb": 3.5,
    "nic_s_per_gb": 0.25,
    "copy_ns": 500,
    "received_bytes": 1000,
    "moved_bytes": 2000,
    "host_bytes": 100,
    "wrong": 0,
}


class Readers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name: str, content) -> pathlib.Path:
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def test_collective(self):
        points = list(readers.collective("plans", {"plan": "plain"}, self.file("x.json", RUN)))
        self.assertEqual(["plans plan=plain size=8 busbw", "plans plan=plain size=64 busbw"], [point.name for point in points])
        self.assertEqual([2.0], points[1].values)

    def test_wrong_data_and_missing_files_are_no_figures(self):
        wrong = {"ranks": 2, "results": [{"size": 8, "busbw": 0.5, "wrong": 3}]}
        with self.assertRaisesRegex(readers.Unusable, "3 wrong elements of 8 bytes"):
            list(readers.collective("plans", {}, self.file("x.json", wrong)))
        with self.assertRaisesRegex(readers.Unusable, "none.json"):
            list(readers.collective("plans", {}, self.folder / "none.json"))
        self.file(readers.ROWS, [{**LINE, "wrong": 1}])
        with self.assertRaisesRegex(readers.Unusable, "1 wrong bytes"):
            list(readers.line_rate("line-rate", self.folder))

    def test_a_folder_of_ways(self):
        self.file("mpi.allreduce.1.json", RUN)
        self.file("mpi.allreduce.2.json", RUN)
        self.file("verbs.stream.1.json", {"results": [{"size": 65536, "gbs": 1.5, "wrong": 0}]})
        points = list(readers.ways("peers", self.folder))
        names = ["peers way=mpi size=8 busbw", "peers way=mpi size=64 busbw"] * 2 + ["peers way=verbs size=65536 stream"]
        self.assertEqual(names, [point.name for point in points])
        self.file("verbs.stream.2.json", {"results": [{"size": 65536, "gbs": 1.5, "wrong": 7}]})
        with self.assertRaisesRegex(readers.Unusable, "7 wrong bytes"):
            list(readers.ways("peers", self.folder))

    def test_a_folder_of_machines(self):
        self.file("allreduce-m2-r4-host-0.json", RUN)
        point = next(readers.machines("multihost", self.folder))
        self.assertEqual("multihost machines=2 ranks=4 plan=plain size=8 busbw", point.name)
        self.file("other.json", RUN)
        with self.assertRaisesRegex(readers.Unusable, "other.json"):
            list(readers.machines("multihost", self.folder))

    def test_latency(self):
        run = {"latency": [{"plugin": "x.so", "cdf": [[50.0, 4.5], [99.9, 12]]}]}
        points = list(readers.latency("latency", {"plan": "devmem"}, self.file("x.json", run)))
        self.assertEqual(["latency plan=devmem percentile=50.0 latency", "latency plan=devmem percentile=99.9 latency"], [point.name for point in points])

    def test_line_rate(self):
        self.file(readers.ROWS, [LINE])
        points = {point.metric: point for point in readers.line_rate("line-rate", self.folder)}
        self.assertAlmostEqual(90, points["line"].values[0])
        self.assertAlmostEqual(100 * 4096 / 4186, points["line"].limit)
        self.assertAlmostEqual(0.5, points["copies"].values[0])
        self.assertAlmostEqual(0.05, points["host_memory"].values[0])

    def test_processor_time_without_hardware_is_what_is_left(self):
        row = {"plan": "devmem", "size": "1M", "channels": 1, "seconds_per_gb": 2.0, "nic_s_per_gb": 0.5, "copy_ns": 300, "received_bytes": 1000}
        self.file("udmabuf.json", [row])
        self.file("dmvram.json", [{**row, "copy_ns": 400}])
        host = [point for point in readers.p2p("p2p", self.folder) if point.metric == "host"]
        self.assertEqual(["udmabuf", "dmvram"], [point.params["memory"] for point in host])
        self.assertAlmostEqual(1.2, host[0].values[0])
        self.assertAlmostEqual(1.1, host[1].values[0])

    def test_objects(self):
        row = {"program": "devmem", "set": "8x1M", "bytes": 2e9, "seconds": 4.0, "cpu_s": 1.0, "hw_ns": 1e9, "copy_ns": 5e8}
        self.file(readers.ROWS, [row])
        values = {point.metric: point.values[0] for point in readers.web("web", self.folder)}
        self.assertEqual({"wall": 2.0, "nic": 0.5, "copies": 0.25, "host": 1.25, "client": 0.5}, values)

    def test_shares_over_time_begin_and_end_with_traffic(self):
        row = {"plan": "devmem", "pairs": 1, "directions": 1, "mbits": 100, "run": 1, "packets": 0}
        received = [0, 0, 1250000, 2500000, 2500000]
        rows = [{**row, "seconds": 10 + n / 10, "bytes": count} for n, count in enumerate(received)]
        (series,) = samples.series([*rows, {**rows[-1], "run": 2, "bytes": 9e9, "seconds": 20}])
        self.assertEqual([[0, 100.0], [0.1, 100.0]], series["shares"])


if __name__ == "__main__":
    unittest.main()
