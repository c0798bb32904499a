# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a report, drawn by gnuplot."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
from collections.abc import Iterable

from .document import Report
from .points import Point
from .tables import named


class NoPictures(Exception):
    """gnuplot is missing or refused."""


HEAD = """set terminal svg size 800,480 font 'sans,14' background 'white'
set output '{file}'
set title '{title}'
set xlabel '{x}'
set ylabel '{y}'
set key {key}
set grid
"""


def block(name: str, rows: Iterable[Iterable]) -> str:
    """Data of a plot; a word in quotes is a label."""
    return f"${name} << END\n" + "\n".join(" ".join(f'"{item}"' if isinstance(item, str) else f"{item:g}" for item in row) for row in rows) + "\nEND\n"


def curves(series: dict[str, list[tuple[float, float]]], style: str = "linespoints") -> str:
    """Lines through points, each with its name."""
    blocks = [block(f"d{n}", rows) for n, rows in enumerate(series.values())]
    plots = [f"$d{n} using 1:2 with {style} lw 2 title '{name}'" for n, name in enumerate(series)]
    return "".join(blocks) + "plot " + ", ".join(plots) + "\n"


def by(points: list[Point], across: str, *names: str) -> dict[str, list[tuple[float, float]]]:
    """Medians over the parameter `across`, a series for each combination of the parameters `names`."""
    series: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        series.setdefault(named(point.params, names), []).append((point.params[across], point.median))
    return {name: sorted(rows) for name, rows in series.items()}


def bus_bandwidth(report: Report) -> str:
    return "set logscale x 2\nset logscale y\nset format x '%.0b%B'\n" + curves(by(report.points.of("allreduce"), "size", "plan", "channels"))


def scaling(report: Report) -> str:
    return "set logscale x 2\n" + curves(by(report.points.of("ranks"), "ranks", "plan"))


def distribution(report: Report) -> str:
    series = by(report.points.of("latency"), "percentile", "plan")
    return "set logscale x\n" + curves({name: [(microseconds, percentile) for percentile, microseconds in rows] for name, rows in series.items()})


def costs(report: Report) -> str:
    """Seconds for each GB, by who spends them: rows of the part p2p, of one size."""
    points = report.points.of("p2p", "host", "nic", "copies")
    largest = points[-1].params["size"]
    bars: dict[str, dict[str, float]] = {}
    for point in points:
        if point.params["size"] == largest:
            bars.setdefault(named(point.params, ("memory", "plan", "channels")), {})[point.metric] = point.median
    names = {"host": "host", "nic": "NIC", "copies": "copy engine"}
    rows = [(name, *(bar[metric] for metric in names)) for name, bar in bars.items()]
    plots = [f"$d using {n + 2}{':xtic(1)' if n == 0 else ''} title '{title}'" for n, title in enumerate(names.values())]
    return (
        "set style data histograms\nset style histogram rowstacked\nset style fill solid 0.8\nset boxwidth 0.6\nset yrange [0:*]\n"
        + block("d", rows)
        + "plot "
        + ", ".join(plots)
        + "\n"
    )


def over_time(report: Report) -> str:
    series = {f"{run['plan']}, {run['pairs']} NIC{'s' if run['pairs'] > 1 else ''}": run["shares"] for run in report.samples}
    return "set yrange [0:110]\n" + curves(series, "lines")


# File: the part that it shows, what draws it, title, axes, where its key is.
PICTURES = {
    "busbw.svg": ("allreduce", bus_bandwidth, "All-reduce between two hosts", "size (bytes)", "bus bandwidth (GB/s)", "top left"),
    "scaling.svg": ("ranks", scaling, "All-reduce of more ranks, all on one processor", "ranks", "bus bandwidth (GB/s)", "top right"),
    "cpu.svg": ("p2p", costs, "Processor time by who spends it", "", "seconds for each GB", "outside"),
    "latency.svg": ("latency", distribution, "Half round trip of 8 bytes", "microseconds", "per cent of round trips", "bottom right"),
    "line-rate.svg": ("line-rate", over_time, "Share of line rate that a host received, frames and all", "seconds", "per cent", "bottom right"),
}


def script(report: Report, name: str, file: pathlib.Path) -> str:
    part, draw, title, x, y, key = PICTURES[name]
    return HEAD.format(file=file, title=title, x=x, y=y, key=key) + draw(report)


def of_part(part: str) -> list[str]:
    return [name for name, entry in PICTURES.items() if entry[0] == part]


def drawn(report: Report, part: str) -> list[str]:
    """The pictures of a part that the report has points for."""
    there = report.samples if part == "line-rate" else report.points.of(part)
    return of_part(part) if there else []


def draw_all(report: Report, folder: pathlib.Path) -> None:
    if not shutil.which("gnuplot"):
        raise NoPictures("gnuplot is missing: apt-get install gnuplot-nox")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (part, *_) in PICTURES.items():
        if not drawn(report, part):
            (folder / name).unlink(missing_ok=True)
            continue
        run = subprocess.run(["gnuplot"], input=script(report, name, folder / name), capture_output=True, text=True, timeout=60, check=False)
        if run.returncode:
            raise NoPictures(f"gnuplot does not draw {name}: {run.stderr.strip()}")
