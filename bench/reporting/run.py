# SPDX-License-Identifier: BSD-3-Clause
"""Runs the matrix: passes over all its parts, until every point has enough values and the time is spent."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

from . import readers
from .matrix import BENCH, Program, Sweep
from .points import Points

LEAST = 3  # values of each point
LEAST_SHORT = 2  # the same of --short, which is to show that everything works
GUEST = BENCH.parent / "kernel/uml/guest.sh"
LIMIT = 900  # seconds of one program
ENVIRONMENT = {"NCCL_NET": "devmem", "NCCL_SOCKET_IFNAME": "dm0", "NCCL_DEVMEM_MEMORY": "udmabuf"}


def say(text: str) -> None:
    print(f"report: {text}", file=sys.stderr, flush=True)


def end(process: subprocess.Popen) -> None:
    """With all that it started: a guest cleans up when it is told to end."""
    for how, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def ended(command: list[str], log: pathlib.Path) -> str:
    """Runs command; how it failed, or nothing."""
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            end(process)
            return f"not done after {LIMIT} s"
        except KeyboardInterrupt:
            end(process)
            raise
    return f"status {status}" if status else ""


def finished(command: list[str], log: pathlib.Path) -> bool:
    """Runs command; says so, with what it said, when it fails."""
    failure = ended(command, log)
    if failure:
        say(f"{pathlib.Path(command[0]).name} failed ({failure}); it said, in {log}:")
        sys.stderr.writelines(log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-40:])
    return not failure


def read(points: Points, samples: Iterable, what: str) -> bool:
    """Adds samples; says so when there are none."""
    try:
        found = list(samples)
    except (readers.Unusable, KeyError, TypeError, ZeroDivisionError) as error:
        say(f"{what}: {error!r}: no point is taken from it")
        return False
    for sample in found:
        points.add(sample)
    if not found:
        say(f"{what}: it left no figures")
    return bool(found)


def run_sweeps(sweeps: list[Sweep], short: bool, rounds: int, folder: pathlib.Path, points: Points) -> bool:
    """Sweeps of as many hosts, in one boot."""
    variants = [(sweep, variant) for sweep in sweeps for variant in sweep.variants(short)]
    plan = [
        {"id": f"{sweep.name}.{n}", "command": variant.command, "environment": variant.environment, "before": variant.before, "after": variant.after}
        for n, (sweep, variant) in enumerate(variants)
    ]
    (folder / "sweep.json").write_text(json.dumps({"rounds": rounds, "variants": plan}, indent=1), encoding="utf-8")
    hosts = max(int(variant.params.get("ranks", 2)) for _, variant in variants)
    command = [str(GUEST), "--hosts", str(hosts), "--mem", "2G", "--timeout", str(LIMIT - 60), "--out", str(folder), "--", str(BENCH / "sweep_hosts.py")]
    good = finished(command, folder / "log")
    for entry, (sweep, variant) in zip(plan, variants):
        for number in range(rounds):
            path = folder / f"{entry['id']}.{number}.json"
            good &= read(points, sweep.read(sweep.name, variant.params, path), f"{sweep.name} {variant.params}")
    return good


def run_program(part: Program, short: bool, rounds: int, folder: pathlib.Path, points: Points) -> bool:
    done = all(finished([str(part.path), *options], folder / f"log.{n}") for n, options in enumerate(part.runs(short, rounds, folder)))
    return done and read(points, part.read(part.name, folder), part.name)


def jobs(parts: Iterable[Sweep | Program]) -> dict[str, list[Sweep | Program]]:
    """What is run in one go, by name: a program, or the sweeps of one boot. In the order of parts."""
    groups: dict[str, list[Sweep | Program]] = {}
    for part in parts:
        groups.setdefault(part.name if isinstance(part, Program) else f"{part.hosts}-hosts", []).append(part)
    return groups


def run_pass(parts: list[Sweep | Program], short: bool, rounds: int, folder: pathlib.Path, points: Points) -> bool:
    good = True
    for name, group in jobs(parts).items():
        begin = time.monotonic()
        own = folder / name
        own.mkdir(parents=True)
        sweeps = [part for part in group if isinstance(part, Sweep)]
        if sweeps:
            good &= run_sweeps(sweeps, short, rounds, own, points)
        for part in group:
            if isinstance(part, Program):
                good &= run_program(part, short, rounds, own, points)
        say(f"{folder.name}: {', '.join(part.name for part in group)}: {time.monotonic() - begin:.0f} s")
    return good


def present(parts: Iterable[Sweep | Program]) -> list[Sweep | Program]:
    """The parts whose programs are there; says which are not."""
    found = []
    for part in parts:
        if isinstance(part, Program) and not part.path.exists():
            say(f"{part.name}: skipped, there is no bench/{part.program}")
        else:
            found.append(part)
    return found


def measure(parts: list[Sweep | Program], short: bool, budget: float, folder: pathlib.Path, points: Points) -> bool:
    """Whether all went well. Passes one after the other show what changes in minutes, so noise holds it; --short has one pass of several rounds."""
    begin, good, passes, longest = time.monotonic(), True, 0, 0.0
    while passes < (1 if short else LEAST) or (not short and time.monotonic() - begin + longest <= budget):
        start = time.monotonic()
        good &= run_pass(parts, short, LEAST_SHORT if short else 1, folder / f"pass-{passes + 1}", points)
        passes += 1
        longest = max(longest, time.monotonic() - start)
        if passes == 1 and not short and LEAST * longest > budget:
            say(f"a pass takes {longest / 60:.1f} min, so {LEAST} of them take longer than the budget; --only measures less, --budget allows more")
    say(f"{passes} pass{'es' if passes > 1 else ''}, {(time.monotonic() - begin) / 60:.1f} min")
    return good
