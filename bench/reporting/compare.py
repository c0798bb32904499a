# SPDX-License-Identifier: BSD-3-Clause
"""What changed between two reports by more than their noise."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, inf
from statistics import median

from .points import METRICS, Point, Points

# Standard deviations of the difference of two medians.
FAR = 3
# Points of which the median noise is worth something.
ENOUGH = 5


@dataclass(frozen=True)
class Change:
    old: Point
    new: Point
    allowed: float  # per cent

    @property
    def per_cent(self) -> float:
        """By which the greater median exceeds the smaller: the same in both directions."""
        small, great = sorted((self.old.median, self.new.median))
        if small == great:
            return 0
        return 100 * (great / small - 1) if small > 0 else inf

    @property
    def changed(self) -> bool:
        """By more than noise allows, and no value of one report lies among those of the other."""
        apart = min(self.new.values) > max(self.old.values) or max(self.new.values) < min(self.old.values)
        return apart and self.per_cent > self.allowed

    @property
    def worse(self) -> bool:
        return self.changed and (self.new.median < self.old.median) == METRICS[self.new.metric][1]


def usual(points: Points) -> dict[tuple[str, str], float]:
    """The median noise of each part and metric, of all points where a part has few: that of one with few values may be small by chance."""
    kinds: dict[tuple[str, str], list[float]] = {}
    for point in points:
        kinds.setdefault((point.part, point.metric), []).append(point.noise)
    everything = median(noise for noises in kinds.values() for noise in noises) if kinds else 0.0
    return {kind: median(noises) if len(noises) >= ENOUGH else everything for kind, noises in kinds.items()}


def compare(old: Points, new: Points) -> list[Change]:
    """Of every point that both have."""
    before, after = usual(old), usual(new)
    changes = []
    for point in new:
        if point.name in old:
            was, kind = old[point.name], (point.part, point.metric)
            allowed = FAR * hypot(max(was.noise, before[kind]), max(point.noise, after[kind]))
            changes.append(Change(was, point, allowed))
    return changes


def tell(changes: list[Change], only_old: int, only_new: int) -> str:
    """A line for each point that changed, the worst first, and a summary."""
    lines = [f"{'apart':>8} {'allowed':>8} {'old':>10} {'new':>10}  point"]
    for change in sorted((c for c in changes if c.changed), key=lambda c: (not c.worse, -c.per_cent)):
        unit = METRICS[change.new.metric][0]
        lines.append(
            f"{change.per_cent:7.1f}% {change.allowed:7.1f}% {change.old.median:10.4g} {change.new.median:10.4g}  {change.new.name} ({unit}): "
            + ("worse" if change.worse else "better")
        )
    worse, changed = sum(c.worse for c in changes), sum(c.changed for c in changes)
    lines.append(f"{len(changes)} points compared: {worse} worse, {changed - worse} better, {len(changes) - changed} within noise")
    if only_old or only_new:
        lines.append(f"not compared: {only_old} that only the old report has, {only_new} that only the new one has")
    return "\n".join(lines)
