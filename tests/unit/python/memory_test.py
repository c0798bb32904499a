# SPDX-License-Identifier: BSD-3-Clause
"""Exporters and memory: ownership, errors, copies; on the real library, too."""

import ctypes
import os
import pathlib
import subprocess
import sys
import threading
import unittest

import standin
from devmem import DevmemError, Exporter, ReleasedError

NO_DEVICE = 99
BROKEN_ENGINE = 98

REAL = """
import devmem, errno
memory = devmem.Exporter("host").alloc(5000)
assert memory.nbytes == 8192 and memory.dmabuf_fd == -1
memory.buffer()[:3] = b"abc"
target = bytearray(3)
address = devmem.memory.ctypes.addressof((devmem.memory.ctypes.c_char * 3).from_buffer(target))
devmem.Exporter("host").engine.copy(address, memory.address, 3)
assert target == b"abc"
try:
    devmem.Exporter("host").alloc(0)
except devmem.DevmemError as error:
    assert error.errno == errno.EINVAL and "0 bytes" in str(error), error
else:
    raise AssertionError("0 bytes were allocated")
"""


class ExporterTest(standin.StandinTest):
    """Exporters."""

    def test_tells_what_it_is(self) -> None:
        with Exporter("cuda", 3) as cuda, Exporter("udmabuf") as udmabuf:
            self.assertEqual(("cuda", 3, False), (cuda.kind, cuda.ordinal, cuda.cpu_reaches))
            self.assertEqual(("udmabuf", 0), (udmabuf.kind, udmabuf.ordinal))
            self.assertTrue(udmabuf.cpu_reaches)

    def test_failure_has_number_and_sentence(self) -> None:
        with self.assertRaises(DevmemError) as caught:
            Exporter("cuda", NO_DEVICE)
        self.assertEqual("no such device: plug it in", str(caught.exception))
        self.assertEqual((-19, 19), (caught.exception.code, caught.exception.errno))
        self.assertIsInstance(caught.exception, OSError)

    def test_unknown_kind(self) -> None:
        self.assertRaisesRegex(ValueError, "'vram'.*dmvram", Exporter, "vram")

    def test_closed(self) -> None:
        exporter = Exporter("host")
        exporter.close()
        exporter.close()
        self.assertEqual(0, standin.count("exporters"))
        self.assertRaisesRegex(ValueError, "closed", exporter.alloc, 1)

    def test_lives_as_long_as_its_memory(self) -> None:
        with Exporter("host") as exporter:
            memory = exporter.alloc(1)
        self.assertEqual(1, standin.count("exporters"))
        memory.release()
        self.assertEqual(0, standin.count("exporters"))


class MemoryTest(standin.StandinTest):
    """Memory."""

    def test_alloc(self) -> None:
        memory = Exporter("host").alloc(5000)
        self.assertEqual(8192, memory.nbytes)
        self.assertEqual(8192, len(memory))
        self.assertEqual(0, memory.address % 4096)
        self.assertRaises(DevmemError, Exporter("host").alloc, 0)

    def test_wrap_leaves_the_bytes_to_their_owner(self) -> None:
        owner = ctypes.create_string_buffer(b"abcd", 4)
        with Exporter("host").wrap(ctypes.addressof(owner), 4) as memory:
            self.assertEqual(b"abcd", memory.tobytes())
        self.assertEqual(0, standin.count("memories"))
        self.assertEqual(b"abcd", owner.raw)

    def test_released(self) -> None:
        memory = Exporter("host").alloc(1)
        memory.release()
        memory.release()
        self.assertTrue(memory.released)
        self.assertEqual(0, standin.count("memories"))
        for use in (memory.tobytes, memory.buffer, memory.__dlpack__, lambda: memory.nbytes):
            self.assertRaises(ReleasedError, use)

    def test_buffer_holds_the_memory(self) -> None:
        memory = Exporter("udmabuf").alloc(4096)
        part = memory.buffer()[1:3]
        memory.release()
        part[:] = b"xy"
        self.assertEqual(1, standin.count("memories"))
        del part
        self.assertEqual(0, standin.count("memories"))

    def test_last_view_may_go_in_another_thread(self) -> None:
        views = [Exporter("host").alloc(4096).view("<f4")]
        thread = threading.Thread(target=views.clear)
        self.assertEqual(1, standin.count("memories"))
        thread.start()
        thread.join()
        self.assertEqual(0, standin.count("memories"))

    def test_copy_engine_brings_bytes_back(self) -> None:
        memory = Exporter("dmvram").alloc(8192)
        ctypes.memmove(memory.address, bytes(range(250)), 250)
        before = standin.count("copies")
        pieces = [bytes(piece) for piece in memory.view("u1", 250).chunks(100)]
        self.assertEqual([100, 100, 50], [len(piece) for piece in pieces])
        self.assertEqual(bytes(range(250)), b"".join(pieces))
        self.assertEqual(3, standin.count("copies") - before)
        self.assertEqual(b"", memory.view("u1", 0).tobytes())

    def test_reading_memory_that_the_cpu_reaches_copies_nothing(self) -> None:
        before = standin.count("copies")
        self.assertEqual(bytes(4096), Exporter("host").alloc(1).tobytes())
        self.assertEqual(before, standin.count("copies"))

    def test_copy_engine_fails_with_its_own_words(self) -> None:
        memory = Exporter("cuda", BROKEN_ENGINE).alloc(1)
        with self.assertRaisesRegex(DevmemError, "the engine is broken: mend it") as caught:
            memory.tobytes()
        self.assertEqual(5, caught.exception.errno)
        del caught


class RealLibraryTest(unittest.TestCase):
    """The binding on the real libdevmem."""

    def run_python(self, code: str, folder: pathlib.Path) -> "subprocess.CompletedProcess[str]":
        """A Python that finds its libraries in @folder."""
        path = str(standin.INCLUDE.parent / "python")
        env = {**os.environ, "PYTHONPATH": path, "DEVMEM_LIBRARY_PATH": str(folder)}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=env, text=True, capture_output=True, check=False)

    def test_host_memory(self) -> None:
        build = os.environ.get("DEVMEM_BUILD")
        library = pathlib.Path(build or ".", "lib")
        if not build or not (library / "libdevmem.so.0").exists():
            self.skipTest("no libdevmem.so.0 in $DEVMEM_BUILD/lib: ./dev build")
        run = self.run_python(REAL, library)
        self.assertEqual((0, ""), (run.returncode, run.stderr))

    def test_library_that_is_missing(self) -> None:
        code = "import devmem._lib as lib; lib._load('libdevmem-nowhere.so.0')"
        run = self.run_python(code, pathlib.Path("/nowhere"))
        self.assertRegex(run.stderr, "DevmemError: cannot load libdevmem-nowhere.*DEVMEM_LIBRARY_")


class CommandTest(standin.StandinTest):
    """python3 -m devmem"""

    def run_command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command with @arguments."""
        env = {**os.environ, "PYTHONPATH": str(standin.INCLUDE.parent / "python")}
        command = [sys.executable, "-m", "devmem", *arguments]
        return subprocess.run(command, env=env, text=True, capture_output=True, check=False)

    def test_prints_sums_and_goes_on_after_failures(self) -> None:
        run = self.run_command("-m", "dmvram", "size/0", "fail", "late/3")
        self.assertEqual(1, run.returncode)
        self.assertEqual("devmem: fail: the server has no such object: see its log\n", run.stderr)
        empty, three = run.stdout.splitlines()
        self.assertRegex(empty, "^size/0 0 e3b0c44298fc1c")
        # printf '\2\2\2' | sha256sum
        self.assertRegex(three, "^late/3 3 970bec7483984728")

    def test_no_interface(self) -> None:
        run = self.run_command("-i", "none", "size/1")
        self.assertEqual((2, ""), (run.returncode, run.stdout))
        self.assertRegex(run.stderr, "no interface of none is running.*see ip -br addr")
