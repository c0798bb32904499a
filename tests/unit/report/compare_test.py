# SPDX-License-Identifier: BSD-3-Clause
"""The comparison: runs of the same program agree, and what changed is found, with its direction."""

import contextlib
import io
import unittest

import synthetic
from reporting.compare import compare, tell
from reporting.main import compared
from reporting.points import Point, Points


class Compare(unittest.TestCase):
    def test_runs_of_the_same_program_agree(self):
        for seed in range(10):
            changes = compare(synthetic.normal(seed), synthetic.normal(1000 + seed))
            self.assertEqual(200, len(changes))
            self.assertLessEqual(sum(change.changed for change in changes), 2)

    def test_finds_the_one_point_that_got_slower(self):
        new = synthetic.normal(2)
        slower = new["plans plan=devmem size=7 busbw"]
        slower.values = [value * 0.6 for value in slower.values]
        worse = [change.new.name for change in compare(synthetic.normal(1), new) if change.worse]
        self.assertIn(slower.name, worse)
        self.assertLessEqual(len(worse), 2)

    def test_more_is_better_of_some_metrics_and_worse_of_others(self):
        for metric, worse in (("busbw", False), ("latency", True), ("wall", True)):
            old, new = (Points([Point("p", {}, metric, values)]) for values in ([1, 1.01, 1.02], [2, 2.01, 2.02]))
            (change,) = compare(old, new)
            self.assertTrue(change.changed)
            self.assertEqual(worse, change.worse, metric)

    def test_few_equal_values_by_chance_are_no_proof_of_a_change(self):
        others = [[1, 1.2, 0.8], [1, 1.15, 0.85], [1, 0.9, 1.1]]
        old = Points([synthetic.busbw(n, values) for n, values in enumerate([[1, 1, 1], *others])])
        new = Points([synthetic.busbw(n, values) for n, values in enumerate([[1.1, 1.1, 1.1], *others])])
        self.assertFalse(any(change.changed for change in compare(old, new)))

    def test_is_the_same_in_both_directions_however_great_the_noise(self):
        slow, fast = ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
        for values, others in ((slow, fast), (fast, slow)):
            (change,) = compare(Points([synthetic.busbw(1, values)]), Points([synthetic.busbw(1, others)]))
            self.assertTrue(change.changed)
            self.assertAlmostEqual(900, change.per_cent)

    def test_what_was_none_and_is_some_has_changed(self):
        none, some = (Points([Point("line-rate", {}, "host_memory", [value] * 3)]) for value in (0, 0.01))
        self.assertTrue(compare(none, some)[0].worse)
        self.assertFalse(compare(some, none)[0].worse)
        self.assertFalse(compare(none, none)[0].changed)

    def test_a_point_alone_in_its_part_has_at_least_the_noise_of_all(self):
        others = [synthetic.busbw(n, [1, 1.3, 0.7]) for n in range(5)]
        old, new = (Points([Point("machine", {}, "handover", values), *others]) for values in ([1, 1, 1], [1.4, 1.4, 1.4]))
        self.assertFalse(any(change.changed for change in compare(old, new)))

    def test_overlapping_values_are_no_change(self):
        old, new = Points([synthetic.busbw(1, [1, 1, 1, 3])]), Points([synthetic.busbw(1, [2, 2, 2, 2])])
        self.assertFalse(compare(old, new)[0].changed)

    def test_tells_what_only_one_report_has(self):
        old, new = Points([synthetic.busbw(1, [1]), synthetic.busbw(2, [1])]), Points([synthetic.busbw(2, [1])])
        self.assertIn("1 that only the old report has", tell(compare(old, new), 1, 0))

    def test_strict_objects_to_worse_and_not_to_better(self):
        slow, fast = (synthetic.report(Points([synthetic.busbw(1, values)])) for values in ([1, 1.01, 1.02], [2, 2.01, 2.02]))
        for old, new, strict, fine in ((fast, slow, True, False), (fast, slow, False, True), (slow, fast, True, True)):
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(fine, compared(old, new, strict))


if __name__ == "__main__":
    unittest.main()
