# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the report share: where it is, and points that no bench measured."""

import pathlib
import random
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "bench"))

from reporting.document import Report  # noqa: E402
from reporting.points import Point, Points  # noqa: E402


def busbw(size: int, values: list, plan: str = "devmem", part: str = "plans") -> Point:
    return Point(part, {"plan": plan, "size": size}, "busbw", values)


def normal(seed: int, count: int = 200, values: int = 3, deviation: float = 0.05) -> Points:
    """Points whose values lie about the same middles for every seed."""
    source = random.Random(seed)
    return Points([busbw(n, [(1 + n) * source.gauss(1, deviation) for _ in range(values)]) for n in range(count)])


def report(points: Points, samples: tuple = ()) -> Report:
    return Report({"date": "today", "cores": 2}, {"short": False, "skipped": []}, points, list(samples))
