# SPDX-License-Identifier: BSD-3-Clause
"""Builds the libraries' stand-ins, compiles small C programs, and tells what is left over."""

import ctypes
import gc
import pathlib
import subprocess
import sys
import unittest
from typing import Any
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[2] / "include"
CC = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]

SIZE_ONE = 4096  # bytes that the smallest object takes of a window


def compile_c(*arguments: object) -> None:
    """cc, with the project's headers."""
    subprocess.run([*CC, f"-I{INCLUDE}", *map(str, arguments)], check=True)


def build(folder: pathlib.Path) -> None:
    """libdevmem.so.0 and libdevmem-http.so.0 in @folder."""
    shared = ["-shared", "-fPIC", "-O1"]
    devmem = folder / "libdevmem.so.0"
    http = folder / "libdevmem-http.so.0"
    compile_c(*shared, f"-Wl,-soname,{devmem.name}", "-o", devmem, HERE / "standin_devmem.c")
    compile_c(*shared, f"-Wl,-soname,{http.name}", "-o", http, HERE / "standin_http.c", devmem)


def count(what: str) -> int:
    """How many @what the stand-ins have: exporters, memories, objects_out, ..."""
    from devmem import _lib

    library = _lib.http()
    name = f"standin_{what}"
    return getattr(library if hasattr(library, name) else _lib.devmem(), name)()


def text(what: str) -> bytes:
    """A string of the stand-ins."""
    from devmem import _lib

    function = getattr(_lib.http(), f"standin_{what}")
    function.restype = ctypes.c_char_p
    return function()


class StandinTest(unittest.TestCase):
    """A test after which nothing of the C libraries may be left, nothing be released twice, and
    no destructor have failed."""

    def setUp(self) -> None:
        hook = mock.patch.object(sys, "unraisablehook")
        self.unraisable = hook.start()
        self.addCleanup(hook.stop)

    def tearDown(self) -> None:
        from devmem import _dlpack

        gc.collect()
        self.assertEqual([], [call[0][0].exc_value for call in self.unraisable.call_args_list])
        left = {what: count(what) for what in ("exporters", "memories", "stagings", "clients")}
        left.update({what: count(what) for what in ("loaders", "objects_out", "wrong_releases")})
        left["exported"] = _dlpack.exported()
        self.assertEqual({what: 0 for what in left}, left)

    def need_numpy(self) -> Any:
        """NumPy, or the test is skipped."""
        try:
            import numpy
        except ImportError:
            self.skipTest("numpy is missing: apt-get install python3-numpy")
        return numpy
