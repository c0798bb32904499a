# SPDX-License-Identifier: BSD-3-Clause
"""Every figure of docs/performance.md, and every one that README.md has of a bench, is in the JSON beside them."""

import re
import unittest

from synthetic import SOURCE
from reporting import document, figures, main
from reporting.page import page
from reporting.pictures import drawn
from reporting.matrix import PARTS

REMEDY = "bench/report --of docs/performance/report.json --commit makes them anew"


class Committed(unittest.TestCase):
    def setUp(self):
        self.report = document.read(main.COMMITTED)

    def test_the_page_is_what_the_report_makes(self):
        self.maxDiff = None
        self.assertEqual(page(self.report), (SOURCE / "docs/performance.md").read_text(encoding="utf-8"), REMEDY)

    def test_marked_figures_are_the_reports(self):
        for path in main.MARKED:
            text = path.read_text(encoding="utf-8")
            self.assertEqual([], figures.wrong(text, self.report.points), f"{path.name}: {REMEDY}")
            self.assertEqual(text.count("<!-- figure "), len(figures.MARK.findall(text)), f"{path.name}: a mark is <!-- figure POINT -->...<!-- end -->")

    def test_readme_has_no_figure_of_a_bench_without_a_mark(self):
        text = figures.MARK.sub("", (SOURCE / "README.md").read_text(encoding="utf-8"))
        self.assertEqual([], re.findall(r"[0-9.]+ (?:[GM]B/s|s/GB|% of line rate|µs|microseconds)", text))

    def test_pictures_are_there(self):
        wanted = {name for part in PARTS for name in drawn(self.report, part.name)}
        self.assertEqual(wanted, {path.name for path in (SOURCE / "docs/performance").glob("*.svg")}, REMEDY)

    def test_medians_and_noise_are_of_the_values(self):
        self.assertGreater(len(self.report.points), 0)
        text = main.COMMITTED.read_text(encoding="utf-8")
        for point in self.report.points:
            self.assertIn(f'"median": {point.median!r}, "noise": {round(point.noise, 2)!r}', text, point.name)
            self.assertGreaterEqual(len(point.values), 3, point.name)


if __name__ == "__main__":
    unittest.main()
