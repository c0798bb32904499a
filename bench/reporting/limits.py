# SPDX-License-Identifier: BSD-3-Clause
"""What each point could be at most (or at least), from what the machine can do; the reader of line rates gives its own."""

from __future__ import annotations

from .points import Point, Points

# Each byte is copied by the software NIC, and by the stand-in for the device's copy engine.
COPIES = 2


def senders(point: Point) -> int:
    """How many ranks send, bus bandwidth each, at the same time."""
    ranks = point.params.get("ranks", 2)
    return ranks - 1 if point.params.get("collective") == "broadcast" else ranks


def at_work(point: Point, processors: int) -> int:
    """Each guest has one processor, as far as the machine has them."""
    return min(processors, 2 if point.part == "peers" else point.params.get("machines", 1))


def limit(point: Point, memcpy: float, handover: float, processors: int) -> float | None:
    if point.limit is not None:
        return point.limit
    if point.metric == "busbw":
        return memcpy * at_work(point, processors) / (COPIES * senders(point))
    if point.metric == "stream":
        return memcpy * at_work(point, processors) / COPIES
    if point.metric == "wall":
        return COPIES / memcpy
    if point.metric == "latency":
        return handover
    return None


def set_limits(points: Points, processors: int) -> None:
    """Where the part `machine` was measured."""
    if "machine memcpy" not in points:
        return
    memcpy, handover = points["machine memcpy"].median, points["machine handover"].median
    for point in points:
        point.limit = limit(point, memcpy, handover, processors)
