# SPDX-License-Identifier: BSD-3-Clause
"""Noise: right on average for few values, and not moved by an odd one."""

import random
import unittest
from statistics import mean

import synthetic  # noqa: F401
from reporting.noise import noise


class Noise(unittest.TestCase):
    def test_is_the_standard_deviation_of_a_normal_distribution_on_average(self):
        source = random.Random(1)
        for n in (3, 4, 5, 9, 30):
            with self.subTest(values=n):
                found = mean(noise([source.gauss(1, 0.05) for _ in range(n)]) for _ in range(4000))
                self.assertAlmostEqual(5, found, delta=0.6)

    def test_one_odd_value_does_not_move_it(self):
        self.assertAlmostEqual(noise([98, 99, 100, 101, 102]), noise([98, 99, 100, 101, 500]), delta=0.1)

    def test_does_not_depend_on_the_unit(self):
        self.assertAlmostEqual(noise([1.0, 1.1, 1.3]), noise([1000, 1100, 1300]))

    def test_is_none_of_equal_values_of_one_value_and_of_zero(self):
        for values in ([2, 2, 2], [7], [0, 0, 0]):
            self.assertEqual(0, noise(values))


if __name__ == "__main__":
    unittest.main()
