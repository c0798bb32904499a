# SPDX-License-Identifier: BSD-3-Clause
"""Runs: passes until the time is spent, with every value kept, and failures that are told."""

import contextlib
import io
import json
import pathlib
import tempfile
import time
import unittest
from unittest import mock

import synthetic  # noqa: F401
from reporting import main, matrix, readers, run
from reporting.matrix import PARTS, Program
from reporting.points import Points

GOOD = """#!/bin/sh
for round in $(seq "$3"); do
	echo '{"ranks": 2, "results": [{"size": 8, "busbw": 1.5, "wrong": 0}]}' >"$2/mpi.allreduce.$round.json"
done
"""


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patched = mock.patch.object(matrix, "BENCH", self.folder)
        patched.start()
        self.addCleanup(patched.stop)
        self.said = io.StringIO()

    def measure(self, script: str, short: bool = False, budget: float = 0.001) -> tuple[bool, Points]:
        path, points = self.folder / "bench.sh", Points()
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
        part = Program("peers", "bench.sh", lambda short, rounds, out: [["--out", str(out), str(rounds)]], readers.ways)
        with contextlib.redirect_stderr(self.said):
            return run.measure([part], short, budget, self.folder / "out", points), points

    def test_every_point_has_three_values_whatever_the_budget_and_two_when_short(self):
        for short in (False, True):
            with self.subTest(short=short):
                self.folder = self.folder / str(short)
                self.folder.mkdir()
                matrix.BENCH = self.folder
                good, points = self.measure(GOOD, short)
                self.assertTrue(good, self.said.getvalue())
                self.assertEqual([1.5] * (2 if short else 3), points["peers way=mpi size=8 busbw"].values)

    def test_time_that_is_left_gives_more_values(self):
        good, points = self.measure(GOOD, budget=2)
        self.assertTrue(good)
        self.assertGreater(len(points["peers way=mpi size=8 busbw"].values), 3)

    def test_a_pass_too_long_for_the_budget_is_told(self):
        self.measure(GOOD)
        self.assertIn("longer than the budget", self.said.getvalue())

    def test_a_program_that_fails_is_told_with_what_it_said(self):
        good, points = self.measure("#!/bin/sh\necho 'no such NIC' >&2\nexit 3\n")
        self.assertFalse(good)
        self.assertEqual(0, len(points))
        self.assertIn("bench.sh failed (status 3)", self.said.getvalue())
        self.assertIn("no such NIC", self.said.getvalue())

    def test_a_program_that_hangs_is_ended_with_what_it_started(self):
        with mock.patch.object(run, "LIMIT", 0.2):
            good, _ = self.measure(f"#!/bin/sh\nsleep 60 & echo $! >{self.folder}/child\nwait\n")
        self.assertFalse(good)
        self.assertIn("not done after 0.2 s", self.said.getvalue())
        child = pathlib.Path("/proc", (self.folder / "child").read_text(encoding="utf-8").strip(), "cmdline")
        until = time.monotonic() + 10
        while child.exists() and child.read_bytes() and time.monotonic() < until:
            time.sleep(0.01)
        self.assertFalse(child.exists() and child.read_bytes(), "its child is still there")

    def test_a_program_that_leaves_nothing_is_told(self):
        good, _ = self.measure("#!/bin/sh\n")
        self.assertFalse(good)
        self.assertIn("peers: it left no figures", self.said.getvalue())

    def test_a_part_whose_program_is_not_there_is_skipped_and_told(self):
        absent = Program("peers", "nowhere.sh", lambda short, rounds, out: [], readers.ways)
        with contextlib.redirect_stderr(self.said):
            self.assertEqual([PARTS[0]], run.present([PARTS[0], absent]))
        self.assertIn("peers: skipped, there is no bench/nowhere.sh", self.said.getvalue())

    def test_sweeps_of_as_many_hosts_share_a_boot(self):
        names = [[part.name for part in group] for group in run.jobs(part for part in PARTS if part.name in ("machine", "ranks", "mtu", "p2p")).values()]
        self.assertEqual([["machine", "mtu"], ["ranks"], ["p2p"]], names)


class Folder(unittest.TestCase):
    def test_only_what_an_earlier_report_left_is_removed(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            (out / "pass-1").mkdir()
            for name in ("report.json", "mine"):
                (out / name).write_text(json.dumps(1), encoding="utf-8")
            main.clear(out)
            self.assertEqual(["mine"], [path.name for path in out.iterdir()])


if __name__ == "__main__":
    unittest.main()
