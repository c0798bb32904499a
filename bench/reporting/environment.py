# SPDX-License-Identifier: BSD-3-Clause
"""What a report was measured on."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import re
import subprocess

REPO = pathlib.Path(__file__).resolve().parent.parent.parent


def said(*command: str) -> str:
    """The first line that command prints, or nothing where it is not there."""
    try:
        lines = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ""
    return lines[0] if lines else ""


def commit() -> str:
    name = said("git", "rev-parse", "HEAD")
    return name + ("+" if name and said("git", "status", "--porcelain", "--untracked-files=no") else "")


def processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def gpu() -> str:
    """CUDA's driver makes this file; memory is a stand-in with one as well."""
    there = "one is there, and not used" if os.path.exists("/dev/nvidiactl") else "none"
    return f"{there}: udmabuf stands in for device memory"


def version() -> str:
    found = re.search(r"^project\(devmem VERSION (\S+)", (REPO / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else ""


def describe() -> dict:
    kernel = said(str(REPO / "kernel/uml/build.sh"), "release")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "devmem": version(),
        "guest_kernel": f"{said(kernel, '--version')}, User-Mode Linux, one processor",
        "machine_kernel": platform.release(),
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "nic": "dmnic, software",
        "gpu": gpu(),
        "open_mpi": said("mpirun", "--version"),
        "compiler": said("cc", "--version"),
    }
