# SPDX-License-Identifier: BSD-3-Clause
"""The words and the shape of each part's chapter in docs/performance.md; a part without an entry gets a table of all that it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    title: str
    text: str
    rows: tuple[str, ...]  # parameters that a row of the table stands for
    columns: tuple[str, ...] = ()  # those that a column does


BUS = "Bus bandwidth in GB/s as nccl-tests counts it."

CHAPTERS = {
    "machine": Chapter(
        "What the machine can do",
        "`limits`, in the guest: copies of 16 MiB from memory to memory, and the time in which one process hands 8 bytes to another by a pipe. The limits of the "
        "other chapters are made of these two.",
        (),
    ),
    "allreduce": Chapter(
        "All-reduce over size",
        f"{BUS} Two hosts, one rank each, over device memory TCP (devmem) and over plain TCP through the same plugin and NIC (plain). Small sizes show how many "
        "system calls a message takes, large ones how many copies.",
        ("size",),
        ("plan", "channels"),
    ),
    "channels": Chapter(
        "Channels",
        f"{BUS} A channel has connections of its own. With one processor more of them can only cost: this shows how much.",
        ("size", "channels"),
        ("plan",),
    ),
    "ranks": Chapter(
        "Ranks",
        f"{BUS} Each rank is on a host of its own, joined by a bridge; all hosts are network namespaces of one guest and take turns on its processor, so the limit, and "
        "with it the figures, fall as one over the number of ranks. What falls faster is overhead.",
        ("ranks",),
        ("plan",),
    ),
    "multihost": Chapter("More hosts", f"{BUS} Ranks in more than one guest, which have a processor each as far as the machine has them.", ("machines", "ranks"), ("plan",)),
    "plans": Chapter(
        "Plans",
        f"{BUS} devmem: received payload is brought to its place by the copy engine; unpack: by NCCL's kernels, which are C code on the CPU here; plain: plain TCP.",
        ("plan",),
        ("size",),
    ),
    "peers": Chapter(
        "Peers",
        "All-reduces (busbw) and one-way streams (stream) by this plugin and in other ways, between two guests with a processor each: [benchmarks.md](benchmarks.md) says which.",
        ("size",),
        ("way",),
    ),
    "mtu": Chapter(
        "MTU",
        f"{BUS} 4148 bytes of MTU carry 4096 of payload, a page; 9000 fill no whole number of pages, and 1500 take most packets.",
        ("mtu",),
        ("plan",),
    ),
    "loss": Chapter("Loss", f"{BUS} Per cent of packets that the wire loses at random, in both directions, acknowledgements included. NICs do not coalesce segments here (`rx-gro-hw off`), so that loss strikes single ones.", ("loss",), ("plan",)),
    "collectives": Chapter("Collectives", f"{BUS} Two hosts.", ("collective",), ("plan",)),
    "p2p": Chapter(
        "Processor time",
        "Seconds for each GB from one host to the other. The guest's one processor is both hosts', the NICs' and the copy engine's: wall is its time, nic what the "
        "software NICs took for what hardware would do, copies what the stand-in for the copy engine took, host what is left: what the CPU of a real host would have to do. "
        "udmabuf is pages of the host: the CPU reaches them, so plain TCP needs no copies between host and device memory, and device memory TCP has buffers of a page. dmvram is as a GPU's memory: contiguous, "
        "so that buffers are larger, and reached by its copy engine alone, so that plain TCP goes by way of host memory.",
        ("memory", "size", "channels", "plan"),
    ),
    "latency": Chapter(
        "Latency",
        "Half of a round trip of 8 bytes in microseconds, by percentile. The limit is that of two processes of the guest and a pipe.",
        ("percentile",),
        ("plan",),
    ),
    "line-rate": Chapter(
        "Line rate",
        "Share of line rate that is payload, of NICs that are held to a speed which the guest's processor can keep up with; the limit is the payload's share of a frame with its preamble and "
        "gap. One pair in one direction, then all pairs in both. cpu is user and system seconds of both ranks for each GB as the kernel's tick attributes them; ranks that wait "
        "for a slow NIC ask it again and again, so it is little else than the inverse of the speed (the chapter on processor time has what work costs). host memory is the bytes that went through host memory for each byte sent or received, by the plugin's counters.",
        ("pairs", "directions", "plan"),
    ),
    "web": Chapter(
        "Objects of a web server",
        "Seconds for each GB of objects of nginx into device memory: devmemget against libcurl with a copy to the device (curl_and_copy). Columns as above; client is the "
        "client process' own user and system time.",
        ("objects", "program"),
    ),
}
