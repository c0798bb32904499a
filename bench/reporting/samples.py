# SPDX-License-Identifier: BSD-3-Clause
"""Shares of line rate over time, from what a host's NICs had received at each tenth of a second."""

from __future__ import annotations

from itertools import groupby, pairwise

# Preamble, check sequence and gap, which NICs do not count.
UNCOUNTED = 24


def share(before: dict, after: dict) -> float:
    """Per cent of line rate between two samples."""
    wire = after["bytes"] - before["bytes"] + UNCOUNTED * (after["packets"] - before["packets"])
    return wire * 8 / (after["seconds"] - before["seconds"]) / (before["mbits"] * 1e6 * before["pairs"]) * 100


def series(rows: list[dict]) -> list[dict]:
    """Of the first run of each plan and number of pairs: shares from the first byte to the last."""

    def of(row: dict) -> tuple:
        return row["plan"], row["pairs"], row["directions"]

    found = []
    for (plan, pairs, directions), group in groupby((row for row in rows if row["run"] == 1), of):
        shares = [(after["seconds"], share(before, after)) for before, after in pairwise(group)]
        moving = [n for n, (_, value) in enumerate(shares) if value >= 1]
        if moving:
            shares = shares[moving[0] : moving[-1] + 1]
            start = shares[0][0]
            found.append({"plan": plan, "pairs": pairs, "directions": directions, "shares": [[round(at - start, 2), round(value, 1)] for at, value in shares]})
    return found
