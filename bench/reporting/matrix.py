# SPDX-License-Identifier: BSD-3-Clause
"""The matrix: every part of the report, what it runs and how its points are read. A part more is an entry more of PARTS."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from . import readers
from .points import Point
from .readers import ROWS

BENCH = pathlib.Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variant:
    """One run of a program in the guest, with what is done to the guest before and after it. {json} in command is its file."""

    params: dict
    command: str
    environment: dict = field(default_factory=dict)
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Sweep:
    """Variants that one boot of the guest runs in turns. Sweeps with as many hosts share a boot."""

    name: str
    variants: Callable[[bool], list[Variant]]  # of --short, or of all
    read: Callable[[str, dict, pathlib.Path], Iterable[Point]]
    hosts: int = 2


@dataclass(frozen=True)
class Program:
    """A program of bench/ that boots its own guests and leaves files in a folder."""

    name: str
    program: str
    runs: Callable[[bool, int, pathlib.Path], list[list[str]]]  # options of each: of --short or of all, rounds, and the folder
    read: Callable[[str, pathlib.Path], Iterable[Point]]

    @property
    def path(self) -> pathlib.Path:
        return BENCH / self.program


PLANS = {
    "devmem": {"NCCL_DEVMEM_REQUIRE": "1"},
    "plain": {"NCCL_DEVMEM_PLAN": "host"},
    "unpack": {"NCCL_DEVMEM_REQUIRE": "1", "NCCL_DEVMEM_PLACEMENT": "unpack"},
}


def collective(options: str, plan: str, params: dict, program: str = "allreduce", ranks: int = 2, before: str = "", after: str = "") -> Variant:
    command = f"DEVMEM_HOSTS={ranks} {BENCH}/hosts_run.sh {ranks} {program} --memory udmabuf -w 1 -c 1 --json {{json}} {options}"
    return Variant({**params, "plan": plan}, command, PLANS[plan], before, after)


def on_all(command: str) -> str:
    """Shell for command on both hosts."""
    return f"on host0 {command} && on host1 {command}"


def allreduce(short: bool) -> list[Variant]:
    size = "-b 8 -e 2M -f 64 -n 3" if short else "-b 8 -e 64M -f 2 -n 5"
    channels = (1,) if short else (1, 4)
    return [collective(f"{size} -C {n}", plan, {"channels": n}) for n in channels for plan in ("devmem", "plain")]


def large(short: bool) -> str:
    """The size of parts that vary something else."""
    return "-b 1M -n 3" if short else "-b 16M -n 3"


def channels(short: bool) -> list[Variant]:
    counts = (4,) if short else (1, 4, 16)
    return [collective(f"{large(short)} -C {n}", plan, {"channels": n}) for n in counts for plan in ("devmem", "plain")]


def plans(short: bool) -> list[Variant]:
    return [collective(large(short), plan, {}) for plan in (("unpack",) if short else PLANS)]


def mtu(short: bool) -> list[Variant]:
    back = on_all("ip link set dm0 mtu 4148")
    sizes = (1500,) if short else (1500, 4148, 9000)
    return [
        collective(large(short), plan, {"mtu": size}, before=on_all(f"ip link set dm0 mtu {size}"), after=back)
        for size in sizes
        for plan in ("devmem", "plain")
    ]


def loss(short: bool) -> list[Variant]:
    """Packets lost by the wire, in per cent; dmnic is told one of how many. Of what it coalesces it loses all or nothing, so it does not."""
    one_of: dict[float, int] = {1: 100} if short else {0: 0, 0.1: 1000, 1: 100}

    def lose(n: int, coalesce: str) -> str:
        return on_all(f"ip link set dm0 type dmnic loss {n}") + " && " + on_all(f"ethtool -K dm0 rx-gro-hw {coalesce}")

    return [
        collective(large(short), plan, {"loss": percent}, before=lose(n, "off"), after=lose(0, "on"))
        for percent, n in one_of.items()
        for plan in ("devmem", "plain")
    ]


def collectives(short: bool) -> list[Variant]:
    programs = ("alltoall",) if short else ("allreduce", "allgather", "reducescatter", "broadcast", "sendrecv", "alltoall")
    return [collective(large(short), plan, {"collective": program}, program) for program in programs for plan in ("devmem", "plain")]


def ranks(short: bool) -> list[Variant]:
    """Each rank on a host of its own, all of them in one guest with one processor."""
    counts = (4,) if short else (2, 4, 8, 16)
    size = "-b 256K -n 3" if short else "-b 4M -n 3"
    return [collective(size, plan, {"ranks": n}, ranks=n) for n in counts for plan in ("devmem", "plain")]


def latency(short: bool) -> list[Variant]:
    trips = 200 if short else 2000
    command = f"{BENCH}/hosts_run.sh 2 p2p --memory udmabuf --size 8 --channels 1 --volume 8 --repeat 1 --latency {trips} --json {{json}}"
    return [Variant({"plan": plan}, command, PLANS[plan]) for plan in ("devmem", "plain")]


def machine(short: bool) -> list[Variant]:
    return [Variant({}, "limits --json {json}")]


def to_file(out: pathlib.Path, rounds: int) -> list[str]:
    """Of a bench of which a row is kept for each run."""
    return ["--json", f"{out}/{ROWS}", "--repeat", str(rounds)]


def p2p(short: bool, rounds: int, out: pathlib.Path) -> list[list[str]]:
    size = {"udmabuf": [], "dmvram": ["--size", "1M", "--channels", "1,4"]}
    if short:
        size = {memory: ["--size", "1M", "--channels", "1", "--volume", "16M"] for memory in size}
    return [["--memory", memory, "--json", f"{out}/{memory}.json", "--repeat", str(rounds), *options] for memory, options in size.items()]


def line_rate(short: bool, rounds: int, out: pathlib.Path) -> list[list[str]]:
    return [[*to_file(out, rounds), *(["--speed", "400", "--speeds", "100", "--volume", "16M"] if short else ["--volume", "256M"])]]


def web(short: bool, rounds: int, out: pathlib.Path) -> list[list[str]]:
    return [[*to_file(out, rounds), *(["--objects", "8x1M", "--rounds", "2"] if short else ["--rounds", "4"])]]


def multihost(short: bool, rounds: int, out: pathlib.Path) -> list[list[str]]:
    size = ["--ranks", "4", "--size", "256K"] if short else ["--size", "4M"]
    return [
        ["--out", str(out), "--repeat", str(rounds), "--iters", "3", "--machines", str(n), "--plan", plan, *size]
        for n in ((2,) if short else (2, 4))
        for plan in ("auto", "host")
    ]


def peers(short: bool, rounds: int, out: pathlib.Path) -> list[list[str]]:
    size = ["--sizes", "64K,1M,16", "--iters", "3", "--streams", "1M", "--volume", "8M"] if short else []
    return [["--out", str(out), "--repeat", str(rounds), *size]]


PARTS: tuple[Sweep | Program, ...] = (
    Sweep("machine", machine, readers.machine),
    Sweep("allreduce", allreduce, readers.collective),
    Sweep("channels", channels, readers.collective),
    Sweep("ranks", ranks, readers.collective, hosts=16),
    Program("multihost", "multihost.sh", multihost, readers.machines),
    Sweep("plans", plans, readers.collective),
    Program("peers", "peers.sh", peers, readers.ways),
    Sweep("mtu", mtu, readers.collective),
    Sweep("loss", loss, readers.collective),
    Sweep("collectives", collectives, readers.collective),
    Program("p2p", "p2p_guest.sh", p2p, readers.p2p),
    Sweep("latency", latency, readers.latency),
    Program("line-rate", "linerate.sh", line_rate, readers.line_rate),
    Program("web", "get_guest.sh", web, readers.web),
)
