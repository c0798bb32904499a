# SPDX-License-Identifier: BSD-3-Clause
"""The matrix: parts with names of their own, whose points the page can show."""

import pathlib
import unittest

import synthetic  # noqa: F401
from reporting.chapters import CHAPTERS
from reporting.matrix import PARTS, Program, Sweep
from reporting.pictures import PICTURES

SWEEPS = [part for part in PARTS if isinstance(part, Sweep)]
NAMES = [part.name for part in PARTS]


class Matrix(unittest.TestCase):
    def test_names_are_of_one_part_each(self):
        self.assertEqual(len(NAMES), len(set(NAMES)))

    def test_chapters_and_pictures_are_of_parts(self):
        self.assertLessEqual(set(CHAPTERS), set(NAMES))
        self.assertLessEqual({entry[0] for entry in PICTURES.values()}, set(NAMES))

    def test_every_variant_writes_its_results_and_runs_what_is_there(self):
        for part in SWEEPS:
            for variant in part.variants(False) + part.variants(True):
                self.assertIn("{json}", variant.command)
                for word in variant.command.split():
                    self.assertTrue(not word.startswith("/") or pathlib.Path(word).exists(), word)

    def test_variants_that_change_the_guest_change_it_back(self):
        for part in SWEEPS:
            for variant in part.variants(False):
                self.assertEqual(bool(variant.before), bool(variant.after), variant)

    def test_parts_measure_device_memory_against_plain_tcp(self):
        for part in SWEEPS:
            if part.name != "machine":
                self.assertLessEqual({"devmem", "plain"}, {variant.params["plan"] for variant in part.variants(False)}, part.name)

    def test_short_asks_no_more_than_all(self):
        for part in SWEEPS:
            self.assertLessEqual(len(part.variants(True)), len(part.variants(False)), part.name)

    def test_programs_leave_their_files_where_they_are_read(self):
        for part in PARTS:
            if isinstance(part, Program):
                for options in part.runs(True, 3, pathlib.Path("/some/where")):
                    self.assertIn("/some/where", " ".join(options), part.name)


if __name__ == "__main__":
    unittest.main()
