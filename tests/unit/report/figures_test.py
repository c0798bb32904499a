# SPDX-License-Identifier: BSD-3-Clause
"""Marked figures of documents: filled from the report, and found when they are wrong."""

import unittest

import synthetic
from reporting import figures
from reporting.points import Point, Points

POINTS = Points([synthetic.busbw(8, [2, 3, 4]), synthetic.busbw(8, [1, 1.5, 2], "plain")])
ONE, OTHER = "plans plan=devmem size=8 busbw", "plans plan=plain size=8 busbw"


class Figures(unittest.TestCase):
    def test_a_median(self):
        self.assertEqual(f"<!-- figure {ONE} -->3.00<!-- end -->", figures.filled(f"<!-- figure {ONE} --><!-- end -->", POINTS))

    def test_one_median_over_another(self):
        mark = f"<!-- figure {ONE} / {OTHER} -->"
        self.assertEqual(f"x{mark}2.00<!-- end --> of", figures.filled(f"x{mark}7<!-- end --> of", POINTS))

    def test_a_limit(self):
        points = Points([Point("p", {}, "line", [90], 97.85)])
        self.assertEqual("<!-- figure p line limit -->97.8<!-- end -->", figures.filled("<!-- figure p line limit -->1<!-- end -->", points))
        self.assertEqual(["the report has no limit of 'plans plan=devmem size=8 busbw'"], figures.wrong(f"<!-- figure {ONE} limit -->1<!-- end -->", POINTS))

    def test_what_is_filled_is_right_and_all_else_is_wrong(self):
        text = f"<!-- figure {ONE} -->3.01<!-- end --> and <!-- figure {OTHER} -->1.50<!-- end -->"
        self.assertEqual([f"{ONE}: the text has '3.01', the report '3.00'"], figures.wrong(text, POINTS))
        self.assertEqual([], figures.wrong(figures.filled(text, POINTS), POINTS))

    def test_a_point_that_is_not_there_is_named(self):
        text = "<!-- figure nothing -->1<!-- end -->"
        self.assertEqual(["the report has no point 'nothing'"], figures.wrong(text, POINTS))
        with self.assertRaisesRegex(KeyError, "nothing"):
            figures.filled(text, POINTS)


if __name__ == "__main__":
    unittest.main()
