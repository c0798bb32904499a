# SPDX-License-Identifier: BSD-3-Clause
"""Points: what is measured again and again, each with all of its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from .noise import noise

# What is measured: its unit, and whether more of it is better.
METRICS = {
    "busbw": ("GB/s", True),
    "stream": ("GB/s", True),
    "memcpy": ("GB/s", True),
    "handover": ("µs", False),
    "latency": ("µs", False),
    "line": ("% of line rate", True),
    "wall": ("s/GB", False),
    "nic": ("s/GB", False),
    "copies": ("s/GB", False),
    "host": ("s/GB", False),
    "client": ("s/GB", False),
    "cpu": ("s/GB", False),
    "host_memory": ("bytes/byte", False),
}


@dataclass
class Point:
    """One place of the matrix. params tell it from the others of its part, in the order of the page."""

    part: str
    params: dict
    metric: str
    values: list[float] = field(default_factory=list)
    limit: float | None = None

    @property
    def name(self) -> str:
        """What --compare and README's marks call it."""
        return " ".join([self.part, *(f"{key}={value}" for key, value in self.params.items()), self.metric])

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def noise(self) -> float:
        return noise(self.values)

    def as_json(self) -> dict:
        unit, more = METRICS[self.metric]
        return {
            "part": self.part,
            "name": self.name,
            "params": self.params,
            "metric": self.metric,
            "unit": unit,
            "better": "more" if more else "less",
            "limit": self.limit,
            "values": self.values,
            "median": self.median,
            "noise": round(self.noise, 2),
        }


def of_json(entry: dict) -> Point:
    return Point(entry["part"], entry["params"], entry["metric"], entry["values"], entry["limit"])


class Points:
    """All points in the order in which they were first measured."""

    def __init__(self, points: list[Point] | None = None) -> None:
        self._of = {point.name: point for point in points or []}

    def __iter__(self):
        return iter(self._of.values())

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, name: str) -> Point:
        return self._of[name]

    def __contains__(self, name: str) -> bool:
        return name in self._of

    def add(self, sample: Point) -> None:
        """Keeps sample's values with those that its point has."""
        point = self._of.setdefault(sample.name, sample)
        if point is not sample:
            point.values += sample.values

    def of(self, part: str, *metrics: str) -> list[Point]:
        return [point for point in self if point.part == part and (not metrics or point.metric in metrics)]
