# SPDX-License-Identifier: BSD-3-Clause
"""Exporters, which are where device memory comes from, and memory."""

import ctypes
from typing import Optional

from . import _lib, _structs
from ._engine import Engine
from ._handle import Handle
from ._span import Span
from .errors import check, error_and_pointer
from .tensor import Tensor


class Exporter:
    """Memory of one kind: "cuda", "udmabuf", "dmvram" or "host".

    @ordinal: number of the CUDA device, -1: the one that is current in this thread. DevmemError
    with ENODEV: the machine lacks what the kind needs. May be used by several threads.
    """

    def __init__(self, kind: str = "cuda", ordinal: int = -1) -> None:
        if kind not in _structs.MEM_KINDS:
            raise ValueError(f"no kind of memory is {kind!r}: there are {_structs.MEM_KINDS}")
        self._engine: Optional[Engine] = Engine(kind, ordinal)

    @property
    def engine(self) -> Engine:
        """The C library's exporter. ValueError: this is closed."""
        if self._engine is None:
            raise ValueError("the exporter is closed")
        return self._engine

    @property
    def kind(self) -> str:
        """"cuda", "udmabuf", "dmvram" or "host"."""
        return self.engine.kind

    @property
    def ordinal(self) -> int:
        """The CUDA device's number, 0 for the other kinds."""
        return self.engine.ordinal

    @property
    def cpu_reaches(self) -> bool:
        """True when the CPU can read and write the memory."""
        return self.engine.cpu_reaches

    def alloc(self, size: int) -> "Memory":
        """Allocates @size bytes, rounded up to what the device deals in."""
        return allocate(self.engine, size)

    def wrap(
        self, address: int, size: int, dmabuf_fd: int = -1, dmabuf_offset: int = 0
    ) -> "Memory":
        """Describes memory that somebody else allocated, and keeps for as long as it is used
        here. @dmabuf_fd is duplicated; -1: the exporter makes one itself, where it can."""
        pointer = ctypes.c_void_p()
        error, at = error_and_pointer()
        wrap = _lib.devmem().devmem_mem_wrap
        code = wrap(
            self.engine, address, size, dmabuf_fd, dmabuf_offset, ctypes.byref(pointer), at
        )
        check(code, error)
        return Memory(self.engine, pointer)

    def close(self) -> None:
        """Ends the use of the exporter by this; its memory stays what it is. The C library's
        exporter is closed with the last memory."""
        self._engine = None

    def __enter__(self) -> "Exporter":
        return self

    def __exit__(self, *what: object) -> None:
        self.close()


class Memory(Tensor):
    """One contiguous piece of memory, made by an Exporter. It can be the window of a Loader."""

    def __init__(self, engine: Engine, pointer: ctypes.c_void_p) -> None:
        owner = Handle(pointer, _lib.devmem().devmem_mem_free, engine)
        mem = ctypes.cast(pointer, ctypes.POINTER(_structs.Mem)).contents
        self._span = Span(engine, mem.addr, mem.size, owner)
        self.dmabuf_fd: int = mem.dmabuf_fd  # the memory's own; -1 where there is none
        self.dmabuf_offset: int = mem.dmabuf_offset

    @property
    def span(self) -> Span:
        """What keeps the memory. ReleasedError: this was released."""
        return self._held()

    def __enter__(self) -> "Memory":
        return self

    def __exit__(self, *what: object) -> None:
        self.release()

    def __repr__(self) -> str:
        if self._span is None:
            return "<devmem.Memory, released>"
        return f"<devmem.Memory of {self._span.engine.kind}, {self._span.nbytes} bytes>"


def allocate(engine: Engine, size: int) -> Memory:
    """@size bytes of device memory of @engine."""
    pointer = ctypes.c_void_p()
    error, at = error_and_pointer()
    alloc = _lib.devmem().devmem_mem_alloc
    check(alloc(engine, size, ctypes.byref(pointer), at), error)
    return Memory(engine, pointer)
