# SPDX-License-Identifier: BSD-3-Clause
"""The report's JSON: what is written is read, and what is no report is told."""

import json
import pathlib
import tempfile
import unittest

import synthetic
from reporting import document, limits
from reporting.points import Point, Points


class Document(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "below/report.json"

    def test_what_is_written_is_read(self):
        report = synthetic.report(synthetic.normal(1), ({"plan": "devmem", "shares": [[0, 1]]},))
        report.write(self.path)
        again = document.read(self.path)
        self.assertEqual((report.environment, report.settings, report.samples), (again.environment, again.settings, again.samples))
        self.assertEqual(list(report.points), list(again.points))

    def test_programs_find_median_noise_unit_and_every_value(self):
        synthetic.report(Points([synthetic.busbw(8, [1, 2, 4])])).write(self.path)
        (point,) = json.loads(self.path.read_text(encoding="utf-8"))["points"]
        self.assertEqual(("GB/s", "more", [1, 2, 4], 2), (point["unit"], point["better"], point["values"], point["median"]))
        self.assertGreater(point["noise"], 0)

    def test_what_is_no_report_is_told(self):
        self.path.parent.mkdir()
        for text, complaint in (("{", "is no report"), ("[]", "is no report"), ('{"schema": 99}', "schema 99")):
            self.path.write_text(text, encoding="utf-8")
            with self.assertRaisesRegex(document.Unreadable, complaint):
                document.read(self.path)


class Limits(unittest.TestCase):
    def test_ranks_share_processors_that_copy_each_byte_twice(self):
        points = Points(
            [
                Point("machine", {}, "memcpy", [8.0]),
                Point("machine", {}, "handover", [5.0]),
                Point("plans", {"plan": "devmem"}, "busbw", [1]),
                Point("ranks", {"ranks": 8}, "busbw", [1]),
                Point("multihost", {"machines": 4, "ranks": 8}, "busbw", [1]),
                Point("collectives", {"collective": "broadcast"}, "busbw", [1]),
                Point("latency", {}, "latency", [9]),
                Point("p2p", {}, "wall", [1]),
                Point("p2p", {}, "host", [1]),
                Point("peers", {"way": "mpi"}, "stream", [1]),
                Point("line-rate", {}, "line", [1], 97.8),
            ]
        )
        limits.set_limits(points, 2)
        self.assertEqual([None, None, 2, 0.5, 1, 4, 5, 0.25, None, 8, 97.8], [point.limit for point in points])

    def test_without_the_machine_there_is_none(self):
        points = Points([synthetic.busbw(8, [1])])
        limits.set_limits(points, 2)
        self.assertIsNone(next(iter(points)).limit)


if __name__ == "__main__":
    unittest.main()
