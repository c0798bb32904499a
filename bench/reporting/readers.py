# SPDX-License-Identifier: BSD-3-Clause
"""Readers: what the files of benches hold, as points of one value each."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator

from .points import Point


# A row for each run, by bench/p2p_guest.sh and others.
ROWS = "runs.json"


class Unusable(Exception):
    """A bench left a file that holds no right figures."""


def _load(path: pathlib.Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path.name}: {error}") from error


def collective(part: str, params: dict, path: pathlib.Path) -> Iterator[Point]:
    """Bus bandwidth of each size, of bin/allreduce --json or another collective's."""
    for result in _load(path)["results"]:
        if result["wrong"]:
            raise Unusable(f"{path.name}: {result['wrong']} wrong elements of {result['size']} bytes")
        yield Point(part, {**params, "size": result["size"]}, "busbw", [result["busbw"]])


def stream(part: str, params: dict, path: pathlib.Path) -> Iterator[Point]:
    """Bandwidth of each size and number of channels, of bin/p2p --json."""
    for result in _load(path)["results"]:
        if result["wrong"]:
            raise Unusable(f"{path.name}: {result['wrong']} wrong bytes")
        yield Point(part, {**params, "size": result["size"]}, "stream", [result["gbs"]])


def ways(part: str, folder: pathlib.Path) -> Iterator[Point]:
    """Files of bench/peers.sh: WAY.allreduce.ROUND.json and WAY.stream.ROUND.json."""
    for kind, reader in (("allreduce", collective), ("stream", stream)):
        for path in sorted(folder.glob(f"*.{kind}.*.json")):
            yield from reader(part, {"way": path.name.split(".")[0]}, path)


def machines(part: str, folder: pathlib.Path) -> Iterator[Point]:
    """Files of bench/multihost.sh: COLLECTIVE-mMACHINES-rRANKS-PLAN-ROUND.json."""
    runs = []
    for path in folder.glob("*.json"):
        found = re.fullmatch(r"[a-z]+-m([0-9]+)-r([0-9]+)-(auto|host)-([0-9]+)", path.stem)
        if not found:
            raise Unusable(f"{path.name}: its name is not COLLECTIVE-mMACHINES-rRANKS-PLAN-ROUND")
        runs.append((int(found[1]), int(found[2]), found[3], int(found[4]), path))
    for count, ranks, plan, _, path in sorted(runs):
        yield from collective(part, {"machines": count, "ranks": ranks, "plan": {"auto": "devmem", "host": "plain"}[plan]}, path)


def latency(part: str, params: dict, path: pathlib.Path) -> Iterator[Point]:
    """Percentiles of half a round trip, of bin/p2p --json."""
    for plugin in _load(path)["latency"]:
        for percentile, microseconds in plugin["cdf"]:
            yield Point(part, {**params, "percentile": float(percentile)}, "latency", [microseconds])


def machine(part: str, params: dict, path: pathlib.Path) -> Iterator[Point]:
    """What the machine can do at most, of bin/limits --json."""
    limits = _load(path)
    yield Point(part, params, "memcpy", [limits["memcpy_gbs"]])
    yield Point(part, params, "handover", [limits["handover_us"]])


def p2p(part: str, folder: pathlib.Path) -> Iterator[Point]:
    """Seconds for each GB of bench/p2p_guest.sh --json, a file for each kind of memory."""
    rows = [(memory, row) for memory in ("udmabuf", "dmvram") for row in _load(folder / f"{memory}.json")]
    for memory, row in rows:
        params = {"memory": memory, "size": row["size"], "channels": row["channels"], "plan": row["plan"]}
        copies = row["copy_ns"] / row["received_bytes"]
        wall, nic = row["seconds_per_gb"], row["nic_s_per_gb"]
        for metric, value in {"wall": wall, "nic": nic, "copies": copies, "host": wall - nic - copies}.items():
            yield Point(part, params, metric, [value])


def web(part: str, folder: pathlib.Path) -> Iterator[Point]:
    """Seconds for each GB of bench/get_guest.sh --json."""
    for row in _load(folder / ROWS):
        gb = row["bytes"] / 1e9
        params = {"objects": row["set"], "program": row["program"]}
        wall, nic, copies = row["seconds"] / gb, row["hw_ns"] / 1e9 / gb, row["copy_ns"] / 1e9 / gb
        for metric, value in {"wall": wall, "nic": nic, "copies": copies, "host": wall - nic - copies, "client": row["cpu_s"] / gb}.items():
            yield Point(part, params, metric, [value])


def line_rate(part: str, folder: pathlib.Path) -> Iterator[Point]:
    """Share of line rate, and what it cost, of bench/linerate.sh --json."""
    for row in _load(folder / ROWS):
        if row["wrong"]:
            raise Unusable(f"{row['plan']}: {row['wrong']} wrong bytes")
        params = {"pairs": row["pairs"], "directions": row["directions"], "plan": row["plan"]}
        share = 100 * row["gbs"] * 8000 / (row["mbits"] * row["pairs"] * row["directions"])
        yield Point(part, params, "line", [share], 100 * row["payload"] / row["wire"])
        for metric, value in {
            "cpu": row["cpu_s_per_gb"],
            "nic": row["nic_s_per_gb"],
            "copies": row["copy_ns"] / row["received_bytes"],
            "host_memory": row["host_bytes"] / row["moved_bytes"],
        }.items():
            yield Point(part, params, metric, [value])


def line_samples(folder: pathlib.Path) -> list[dict]:
    """Wire bytes of each tenth of a second, of the same."""
    path = folder / "samples.json"
    return _load(path) if path.exists() else []
