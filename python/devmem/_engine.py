# SPDX-License-Identifier: BSD-3-Clause
"""The C library's exporter, and copies by its engine that wait until they are done."""

import ctypes
import errno
import time
from typing import Iterator

from . import _lib, _structs
from ._handle import Handle
from .errors import DevmemError, check, error_and_pointer, sentence

_POLL = 50e-6  # seconds


def _open(kind: str, ordinal: int) -> ctypes.c_void_p:
    pointer = ctypes.c_void_p()
    error, at = error_and_pointer()
    number = _structs.MEM_KINDS.index(kind)
    check(_lib.devmem().devmem_exporter_open(number, ordinal, ctypes.byref(pointer), at), error)
    return pointer


class Engine(Handle):
    """An exporter that lives until its last memory has gone. Thread safe."""

    def __init__(self, kind: str, ordinal: int) -> None:
        lib = _lib.devmem()
        super().__init__(_open(kind, ordinal), lib.devmem_exporter_close)
        self.kind = kind
        self.ordinal: int = lib.devmem_exporter_ordinal(self)
        self.cpu_reaches: bool = lib.devmem_exporter_cpu_reaches(self)

    def copy(self, dst: int, src: int, nbytes: int) -> None:
        """Copies @nbytes (not 0) and waits until they are there. Either side may be memory of the
        exporter or the host's."""
        lib = _lib.devmem()
        piece = ctypes.byref(_structs.Copy(dst, src, nbytes))
        fence = ctypes.c_uint64()
        while self._busy(lib.devmem_copy_start(self, piece, 1, ctypes.byref(fence)), 0):
            time.sleep(_POLL)
        while self._busy(lib.devmem_copy_done(self, fence), 1):
            time.sleep(_POLL)

    def _busy(self, result: int, done: int) -> bool:
        """False when a call's @result is @done, True when it is to be tried again."""
        if result == done:
            return False
        if result in (0, -errno.EAGAIN):
            return True
        error, at = error_and_pointer()
        _lib.devmem().devmem_exporter_trouble(self, at)
        raise DevmemError(result, sentence(result, error))

    def read_back(self, address: int, nbytes: int, size: int) -> Iterator[memoryview]:
        """The bytes at @address in pieces of @size, each valid until the next."""
        room = max(1, min(nbytes, size))
        staging = self._staging(room)
        for at in range(0, nbytes, room):
            length = min(room, nbytes - at)
            self.copy(staging.pointer, address + at, length)
            yield memoryview(staging.bytes)[:length]

    def _staging(self, size: int) -> "_Staging":
        pointer = _lib.devmem().devmem_staging_alloc(self, size)
        if not pointer:
            raise MemoryError(f"no {size} bytes of host memory for copies from {self.kind} memory")
        return _Staging(self, pointer, size)


class _Staging(Handle):
    """Host memory for copies; freeing it waits for those under way."""

    def __init__(self, engine: Engine, pointer: int, size: int) -> None:
        free = _lib.devmem().devmem_staging_free
        super().__init__(pointer, lambda pointer: free(engine, pointer))
        self.pointer = pointer
        self.bytes = (ctypes.c_ubyte * size).from_address(pointer)
