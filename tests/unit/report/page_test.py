# SPDX-License-Identifier: BSD-3-Clause
"""Tables, pictures and the page: of whatever points a report has."""

import pathlib
import shutil
import tempfile
import unittest
import xml.dom.minidom

import synthetic
from reporting import pictures
from reporting.page import page
from reporting.points import Point, Points
from reporting.tables import figure, table


def whole() -> Points:
    """A point or two of each part that has a picture."""
    points = [Point("allreduce", {"channels": 1, "plan": plan, "size": size}, "busbw", [1, 2, 3], 4) for plan in ("devmem", "plain") for size in (8, 65536)]
    points += [Point("ranks", {"ranks": n, "plan": "devmem", "size": 8}, "busbw", [1 / n]) for n in (2, 4)]
    points += [Point("p2p", {"memory": "dmvram", "size": "1M", "channels": 1, "plan": "devmem"}, metric, [1.0]) for metric in ("wall", "nic", "copies", "host")]
    points += [Point("latency", {"plan": "devmem", "percentile": q}, "latency", [q + 1]) for q in (1.0, 50.0, 99.9)]
    return Points(points)


SAMPLES = ({"plan": "devmem", "pairs": 1, "directions": 1, "shares": [[0, 90], [0.1, 99]]},)


class Tables(unittest.TestCase):
    def test_figures_have_three_digits_that_count(self):
        shown = [figure(value) for value in (1234.5, 97.849, 12.34, 1.234, 0.1234, 0.01234, 0)]
        self.assertEqual(["1234", "97.8", "12.3", "1.23", "0.123", "0.0123", "0"], shown)

    def test_rows_and_columns_are_parameters(self):
        text = table(whole().of("allreduce"), ("size",), ("plan", "channels")).splitlines()
        self.assertEqual("| size | devmem, 1 channel | plain, 1 channel | limit |", text[0])
        self.assertEqual("| 64K | 2.00 ± 111 % | 2.00 ± 111 % | 4.00 |", text[3])

    def test_metrics_are_columns_with_their_unit(self):
        head = table(whole().of("p2p"), ("memory", "size", "channels", "plan"), ()).splitlines()[0]
        self.assertIn("| wall (s/GB) | nic (s/GB) |", head)

    def test_each_metric_with_a_limit_has_it_in_a_column(self):
        points = [Point("peers", {"way": "mpi", "size": 8}, metric, [1], limit) for metric, limit in (("busbw", 2), ("stream", 4), ("cpu", None))]
        text = table(points, ("size",), ("way",)).splitlines()
        self.assertTrue(text[0].endswith("| mpi: cpu (s/GB) | limit of busbw | limit of stream |"), text[0])
        self.assertTrue(text[2].endswith("| 2.00 | 4.00 |"), text[2])

    def test_a_point_that_is_missing_leaves_a_gap(self):
        points = [synthetic.busbw(8, [1]), synthetic.busbw(64, [1], "plain")]
        self.assertIn("| 8 | 1.00 ± 0 % |  |", table(points, ("size",), ("plan",)))


class Page(unittest.TestCase):
    def test_has_a_chapter_with_its_pictures_for_each_part_measured_and_no_other(self):
        text = page(synthetic.report(whole(), SAMPLES))
        for name in ("busbw.svg", "scaling.svg", "cpu.svg", "latency.svg"):
            self.assertIn(f"(performance/{name})", text)
        self.assertNotIn("## Channels", text)
        self.assertNotIn("line-rate.svg", text)

    def test_a_part_without_words_has_a_table(self):
        text = page(synthetic.report(Points([Point("novel", {"of": "x"}, "busbw", [1])])))
        self.assertIn("## novel\n\n| of |", text)

    def test_a_short_run_says_so(self):
        report = synthetic.report(whole())
        self.assertNotIn("--short", page(report))
        report.settings["short"] = True
        self.assertIn("This was a run with `--short`", page(report))


class Pictures(unittest.TestCase):
    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is missing: apt-get install gnuplot-nox")
    def test_all_of_them_are_drawn(self):
        points = Points([*whole(), Point("line-rate", {"pairs": 1, "directions": 1, "plan": "devmem"}, "line", [90])])
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            pictures.draw_all(synthetic.report(points, SAMPLES), out)
            self.assertEqual(set(pictures.PICTURES), {path.name for path in out.iterdir()})
            for path in out.iterdir():
                self.assertIn("devmem", xml.dom.minidom.parse(str(path)).toxml(), path.name)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is missing: apt-get install gnuplot-nox")
    def test_one_that_is_no_longer_measured_goes(self):
        with tempfile.TemporaryDirectory() as folder:
            stale = pathlib.Path(folder) / "scaling.svg"
            stale.touch()
            pictures.draw_all(synthetic.report(Points([synthetic.busbw(8, [1])])), pathlib.Path(folder))
            self.assertFalse(stale.exists())


if __name__ == "__main__":
    unittest.main()
