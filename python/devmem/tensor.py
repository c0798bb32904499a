# SPDX-License-Identifier: BSD-3-Clause
"""Device memory as NumPy, PyTorch, CuPy, JAX and others take it, without a copy."""

import math
from typing import Any, Dict, Iterator, Optional, Tuple, Union

from . import _dlpack, _dtype
from ._span import Span, buffer
from .errors import ReleasedError

Shape = Union[int, Tuple[int, ...]]
BYTES = _dtype.parse("|u1")


class Tensor:
    """What Memory, objects of a Loader and views have in common: the protocols.

    Memory that the CPU reaches (host, udmabuf) has __array_interface__, memory of a CUDA device
    __cuda_array_interface__, and both have __dlpack__. dmvram has none of them: see tobytes().

    Arrays and tensors made here hold the memory: it is given back when the last of them is gone,
    even if release() was called before.
    """

    _span: Optional[Span] = None
    _offset = 0
    _dtype = BYTES
    _shape: Optional[Tuple[int, ...]] = None  # None: all of the span
    _pinned: Optional[Span] = None

    def _held(self) -> Span:
        """The span, or ReleasedError."""
        if self._span is None:
            raise ReleasedError(f"{self!r}: its memory was given back")
        return self._span

    @property
    def released(self) -> bool:
        """True when this may not be used any more."""
        return self._span is None

    @property
    def address(self) -> int:
        """Where the first byte is, as the device addresses it (and the CPU, if it reaches it)."""
        return self._held().address + self._offset

    @property
    def shape(self) -> Tuple[int, ...]:
        """Elements in each dimension."""
        return (self._held().nbytes,) if self._shape is None else self._shape

    @property
    def typestr(self) -> Optional[str]:
        """The type of an element as the array interfaces spell it; None for bfloat16."""
        return self._dtype.typestr

    @property
    def nbytes(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self._dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar has no length")
        return self.shape[0]

    def release(self) -> None:
        """Ends the use of the memory by this; it is given back when views and tensors made of it
        are gone, too. To call it again does nothing."""
        self._span = None

    def view(self, dtype: Any, shape: Optional[Shape] = None, offset: int = 0) -> "View":
        """A view of this as a compact array.

        @dtype: "<f4", "<i8", "|u1", ..., "bfloat16" (DLPack only), or a numpy.dtype. @shape: an
        int or a tuple; None: as many elements as there are behind @offset, in bytes. ValueError:
        it does not fit, or is not aligned to an element.
        """
        return View(self, _dtype.parse(dtype), shape, offset)

    def buffer(self) -> memoryview:
        """The bytes, writable, for programs that take a buffer. BufferError: the CPU does not
        reach them."""
        span = self._held()
        if not span.engine.cpu_reaches:
            raise BufferError(f"the CPU does not reach {span.engine.kind} memory: see tobytes()")
        if not self.nbytes:
            return memoryview(bytearray())
        return memoryview(buffer(span, self._offset, self.nbytes)).cast("B")

    def chunks(self, size: int = 4 << 20) -> Iterator[memoryview]:
        """The bytes in pieces of @size, each valid until the next; memory that the CPU does not
        reach is copied back by the device's copy engine."""
        span = self._held()
        if span.engine.cpu_reaches:
            whole = self.buffer()
            return (whole[at:at + size] for at in range(0, len(whole), size))
        return span.engine.read_back(self.address, self.nbytes, size)

    def tobytes(self) -> bytes:
        """A copy of the bytes in the host's memory."""
        return b"".join(bytes(chunk) for chunk in self.chunks())

    @property
    def __array_interface__(self) -> Dict[str, Any]:
        """NumPy's array interface, version 3."""
        span = self._held()
        if not span.engine.cpu_reaches:
            raise AttributeError(f"the CPU does not reach {span.engine.kind} memory")
        return self._interface(buffer(span, self._offset, self.nbytes))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """For NumPy, which asks for this where there is no __array_interface__."""
        raise TypeError(
            f"no array of NumPy can be made of {self!r} in place: copy it back by tobytes()"
        )

    @property
    def __cuda_array_interface__(self) -> Dict[str, Any]:
        """The CUDA array interface, version 3. Its stream is None: the bytes are visible to all
        that the device runs from now on."""
        span = self._held()
        if span.engine.kind != "cuda":
            raise AttributeError(f"{span.engine.kind} memory is not CUDA's")
        # Consumers hold this object, of which there may be nothing left but that.
        self._pinned = span
        return self._interface((self.address if self.nbytes else 0, False), stream=None)

    def _interface(self, data: Any, **more: Any) -> Dict[str, Any]:
        if self.typestr is None:
            raise AttributeError("the array interfaces have no bfloat16: use DLPack")
        return dict(
            shape=self.shape, typestr=self.typestr, data=data, strides=None, version=3, **more
        )

    def __dlpack_device__(self) -> Tuple[int, int]:
        """DLPack's type and number of the device. BufferError: it knows none for this memory."""
        engine = self._held().engine
        if engine.kind == "cuda":
            return (_dlpack.CUDA, engine.ordinal)
        if engine.cpu_reaches:
            return (_dlpack.CPU, 0)
        raise BufferError(
            f"{engine.kind} memory is reached by its copy engine only, not by the CPU nor by a "
            "device that DLPack knows: copy it back by tobytes()"
        )

    def __dlpack__(
        self,
        *,
        stream: Optional[int] = None,
        max_version: Optional[Tuple[int, int]] = None,
        dl_device: Optional[Tuple[int, int]] = None,
        copy: Optional[bool] = None,
    ) -> object:
        """A DLPack capsule. @stream needs nothing done: the bytes are visible to all streams.
        BufferError: a copy or another device is asked for, or DLPack knows no such memory."""
        device = self.__dlpack_device__()
        if copy or (dl_device is not None and tuple(dl_device) != device):
            raise BufferError("memory is handed out in place, on its own device, never copied")
        dtype = (self._dtype.code, 8 * self._dtype.itemsize)
        return _dlpack.capsule(self.address, device, dtype, self.shape, self._span)


def _fit(room: int, dtype: _dtype.Dtype, shape: Optional[Shape], offset: int) -> Tuple[int, ...]:
    """The shape of a view of @room bytes, all checked."""
    if not 0 <= offset <= room:
        raise ValueError(f"offset {offset} is not within {room} bytes")
    left = room - offset
    if shape is None:
        if left % dtype.itemsize:
            raise ValueError(f"{left} bytes are no whole elements of {dtype.itemsize} bytes")
        return (left // dtype.itemsize,)
    lengths = (shape,) if isinstance(shape, int) else tuple(int(length) for length in shape)
    if any(length < 0 for length in lengths):
        raise ValueError(f"a length in {lengths} is below 0")
    if math.prod(lengths) * dtype.itemsize > left:
        raise ValueError(
            f"{lengths} elements of {dtype.itemsize} bytes at offset {offset} do not fit "
            f"{room} bytes"
        )
    return lengths


class View(Tensor):
    """A part of a Memory or an object as an array of a type and shape; made by their view(). It
    holds the memory, also when what it was made of is released."""

    def __init__(
        self, base: Tensor, dtype: _dtype.Dtype, shape: Optional[Shape], offset: int
    ) -> None:
        self._shape = _fit(base.nbytes, dtype, shape, offset)
        self._dtype = dtype
        self._offset = base._offset + offset
        self._span = base._held()
        if self.address % dtype.itemsize:
            raise ValueError(f"offset {offset} is not aligned to {dtype.itemsize} bytes")

    def __repr__(self) -> str:
        return f"<devmem.View {self.typestr or 'bfloat16'} {self._shape}>"
