# SPDX-License-Identifier: BSD-3-Clause
"""docs/performance.md, made of a report and of nothing else."""

from __future__ import annotations

from .chapters import CHAPTERS, Chapter
from .document import Report
from .matrix import PARTS
from .pictures import drawn
from .tables import row_of, table

HEAD = """<!-- SPDX-License-Identifier: BSD-3-Clause -->
<!-- Made by bench/report of docs/performance/report.json: change those. -->
# Performance

Figures of one run, of the whole matrix by one command: `./dev bench`. They are of **a software NIC in User-Mode Linux with one processor**, without a GPU and without
a hardware NIC: two hosts, both NICs and the stand-in for a GPU's copy engine take turns on that processor. So they say nothing of how fast a real machine is. They compare plans that ran in turns
on the same processor, they show how far each is from what that processor could do at most, and they show whether a change of the code made something slower
(`bench/report --compare`). [benchmarks.md](benchmarks.md) says how each part measures.

Cells are medians, with the noise of their values: the standard deviation, estimated by the median absolute deviation, in per cent of the median. A difference less than three times that is none. `limit` is what the
processor could do at most if it did nothing but copy each byte twice, once for the NIC and once for the copy engine, or what else a chapter says.
"""

NAMES = {
    "date": "measured",
    "commit": "of commit",
    "devmem": "version",
    "guest_kernel": "kernel of the hosts",
    "machine_kernel": "kernel of the machine",
    "cpu": "CPU",
    "cores": "cores",
    "nic": "NIC",
    "gpu": "GPU",
    "open_mpi": "Open MPI",
    "compiler": "compiler",
}


def run_of(report: Report) -> str:
    rows = [row_of(["", ""]), row_of(["---", "---"])]
    rows += [row_of([NAMES.get(key, key), str(value)]) for key, value in report.environment.items()]
    counts = {len(point.values) for point in report.points}
    rows.append(row_of(["values of each point", f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(*counts)]))
    text = "## The run\n\n" + "\n".join(rows) + "\n"
    if report.settings["short"]:
        text += "\nThis was a run with `--short`, which checks that everything works: each point is small and its figures mean little.\n"
    if report.settings["skipped"]:
        text += f"\nNot measured: {', '.join(report.settings['skipped'])}.\n"
    return text


def whole(points: list) -> Chapter:
    """For a part that nobody wrote of."""
    return Chapter(points[0].part, "", tuple(points[0].params))


def chapter(report: Report, part: str) -> str:
    points = report.points.of(part)
    if not points:
        return ""
    entry = CHAPTERS.get(part) or whole(points)
    text = f"\n## {entry.title}\n\n"
    if entry.text:
        text += f"{entry.text}\n\n"
    text += table(points, entry.rows, entry.columns) + "\n\n"
    text += "".join(f"![{entry.title}](performance/{name})\n\n" for name in drawn(report, part))
    return text + f"`bench/report --only {part}` prints it.\n"


def page(report: Report) -> str:
    """The whole page."""
    parts = [part.name for part in PARTS]
    parts += [point.part for point in report.points if point.part not in parts]
    return HEAD + "\n" + run_of(report) + "".join(chapter(report, part) for part in dict.fromkeys(parts))
