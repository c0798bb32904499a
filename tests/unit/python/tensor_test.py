# SPDX-License-Identifier: BSD-3-Clause
"""Memory as NumPy and consumers of DLPack take it: what they see, and how long it lives."""

import ctypes
import gc
import sys
import threading
from typing import Any, Tuple

import standin
from devmem import Exporter, Memory, ReleasedError, Tensor, _dlpack

api = ctypes.pythonapi
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
USED = b"used_dltensor"  # capsules keep the pointer

DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def memory_of(kind: str, ordinal: int = 0) -> Memory:
    """A page whose bytes count."""
    memory = Exporter(kind, ordinal).alloc(4096)
    ctypes.memmove(memory.address, bytes(range(256)) * 16, 4096)
    return memory


def look(capsule: object) -> _dlpack.DLManagedTensor:
    """What a capsule points to."""
    return _dlpack.DLManagedTensor.from_address(api.PyCapsule_GetPointer(capsule, b"dltensor"))


def consume(capsule: object) -> _dlpack.DLManagedTensor:
    """Takes the tensor, as a consumer does."""
    managed = look(capsule)
    api.PyCapsule_SetName(capsule, USED)
    return managed


def delete(managed: _dlpack.DLManagedTensor) -> None:
    """Calls the deleter, as a consumer does at the end."""
    DELETER(managed.deleter)(ctypes.addressof(managed))


class ViewTest(standin.StandinTest):
    """Types, shapes and bounds of views."""

    def test_shapes(self) -> None:
        memory = memory_of("host")
        for shape, expected in ((None, (1024,)), (3, (3,)), ((2, 3), (2, 3)), ((), ())):
            self.assertEqual(expected, memory.view("<f4", shape).shape)
        self.assertEqual((1,), memory.view("<f4", None, 4092).shape)
        self.assertEqual((0,), memory.view("<f4", None, 4096).shape)
        self.assertEqual(24, memory.view("<f4", (2, 3)).nbytes)

    def test_types(self) -> None:
        memory = memory_of("host")
        for given, typestr in (("u1", "|u1"), ("f4", "<f4"), ("=i8", "<i8"), ("<u1", "|u1")):
            self.assertEqual(typestr, memory.view(given).typestr)
        for wrong in ("", "x4", "f3", "f", ">f4", "U4", 5, None, "float32"):
            self.assertRaises(TypeError, memory.view, wrong)

    def test_bounds(self) -> None:
        memory = memory_of("host")
        for args in (("<f4", 1025), ("<f4", (32, 33)), ("<f4", 1024, 4), ("u1", 1, 4096)):
            self.assertRaisesRegex(ValueError, "do not fit 4096", memory.view, *args)
        for args in (("u1", 1, -1), ("u1", 1, 4097), ("u1", -1), ("u1", (-1, -1))):
            self.assertRaises(ValueError, memory.view, *args)
        self.assertRaisesRegex(ValueError, "whole elements", memory.view, "<f4", None, 2)
        self.assertRaisesRegex(ValueError, "aligned", memory.view, "<f4", 1, 2)

    def test_view_of_a_view(self) -> None:
        outer = memory_of("host").view("u1", 100, 8)
        self.assertEqual(bytes(range(12, 16)), outer.view("<u4", 1, 4).tobytes())
        self.assertRaises(ValueError, outer.view, "u1", 97, 4)

    def test_view_outlives_what_it_was_made_of(self) -> None:
        memory = memory_of("host")
        view = memory.view("u1", 3, 5)
        memory.release()
        self.assertEqual(bytes((5, 6, 7)), view.tobytes())
        self.assertRaises(ReleasedError, memory.view, "u1")
        view.release()
        self.assertRaises(ReleasedError, view.tobytes)
        self.assertEqual(0, standin.count("memories"))


class NumpyTest(standin.StandinTest):
    """NumPy, by its own interface and by DLPack."""

    def test_asarray_is_in_place_and_writable(self) -> None:
        numpy = self.need_numpy()
        memory = memory_of("udmabuf")
        array = numpy.asarray(memory.view("<u2", (2, 3), 2))
        self.assertEqual([[0x0302, 0x0504, 0x0706], [0x0908, 0x0B0A, 0x0D0C]], array.tolist())
        self.assertEqual(memory.address + 2, array.ctypes.data)
        array[0, 0] = 0xFFEE
        self.assertEqual(b"\xee\xff", bytes(memory.buffer()[2:4]))

    def test_asarray_of_all_is_bytes(self) -> None:
        numpy = self.need_numpy()
        array = numpy.asarray(memory_of("host"))
        self.assertEqual(("uint8", (4096,)), (array.dtype.name, array.shape))

    def test_dtype_of_numpy(self) -> None:
        numpy = self.need_numpy()
        view = memory_of("host").view(numpy.dtype("complex64"), 2)
        self.assertEqual("complex64", numpy.asarray(view).dtype.name)

    def test_empty_and_scalar(self) -> None:
        numpy = self.need_numpy()
        memory = memory_of("host")
        for convert in (numpy.asarray, numpy.from_dlpack):
            self.assertEqual((0, 5), convert(memory.view("<f4", (0, 5))).shape)
            self.assertEqual(0x0100, convert(memory.view("<i2", ()))[()])

    def test_array_holds_the_memory(self) -> None:
        numpy = self.need_numpy()
        for convert in (numpy.asarray, numpy.from_dlpack):
            memory = memory_of("host")
            part = convert(memory.view("u1", (16, 16)))[3:5, ::2]
            memory.release()
            self.assertEqual(1, standin.count("memories"))
            self.assertEqual(48, part[0, 0])
            del part
            self.assertEqual(0, standin.count("memories"), convert)

    def test_from_dlpack(self) -> None:
        numpy = self.need_numpy()
        memory = memory_of("host")
        for dtype in ("u1", "i1", "<u2", "<i4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"):
            array = numpy.from_dlpack(memory.view(dtype, (2, 3)))
            self.assertEqual((dtype[-2:], (2, 3)), (array.dtype.str[-2:], array.shape))
            self.assertEqual(memory.address, array.ctypes.data)

    def test_memory_that_the_cpu_does_not_reach(self) -> None:
        numpy = self.need_numpy()
        for kind in ("cuda", "dmvram"):
            memory = memory_of(kind)
            self.assertRaisesRegex(TypeError, f"of {kind}.*tobytes", numpy.asarray, memory)
            self.assertRaises(BufferError, memory.buffer)
            self.assertFalse(hasattr(memory, "__array_interface__"))

    def test_released(self) -> None:
        numpy = self.need_numpy()
        memory = memory_of("host")
        memory.release()
        self.assertRaises(ReleasedError, numpy.asarray, memory)
        self.assertRaises(ReleasedError, numpy.from_dlpack, memory)

    def test_consumer_that_fails_leaves_nothing(self) -> None:
        numpy = self.need_numpy()
        # NumPy finds that it cannot read the device, in some versions once it has the capsule.
        with self.assertRaises((BufferError, RuntimeError, SystemError, ValueError)) as caught:
            numpy.from_dlpack(memory_of("cuda"))
        reasons = [str(call[0][0].exc_value) for call in self.unraisable.call_args_list]
        self.assertRegex(" ".join([str(caught.exception), *reasons]), "device")
        self.unraisable.reset_mock()
        self.assertEqual(0, _dlpack.exported())


class CudaTest(standin.StandinTest):
    """CUDA's array interface."""

    def test_interface(self) -> None:
        view = memory_of("cuda").view("<f4", (8, 8), 256)
        expected = dict(shape=(8, 8), typestr="<f4", data=(view.address, False), version=3)
        self.assertEqual(dict(expected, strides=None, stream=None), view.__cuda_array_interface__)

    def test_empty_has_no_address(self) -> None:
        view = memory_of("cuda").view("<f4", 0)
        self.assertEqual((0, False), view.__cuda_array_interface__["data"])

    def test_other_memory_has_none(self) -> None:
        for kind in ("host", "udmabuf", "dmvram"):
            self.assertFalse(hasattr(memory_of(kind), "__cuda_array_interface__"))
        self.assertFalse(hasattr(memory_of("cuda").view("bfloat16"), "__cuda_array_interface__"))

    def test_consumer_that_holds_the_object_holds_the_memory(self) -> None:
        memory = memory_of("cuda")
        self.assertIsNotNone(memory.__cuda_array_interface__)
        memory.release()
        self.assertRaises(ReleasedError, getattr, memory, "__cuda_array_interface__")
        self.assertEqual(1, standin.count("memories"))
        del memory
        self.assertEqual(0, standin.count("memories"))


class DlpackTest(standin.StandinTest):
    """DLPack, as a consumer sees it."""

    def fields(self, tensor: Tensor) -> Tuple[Any, ...]:
        """What a consumer reads."""
        capsule = tensor.__dlpack__()
        gc.collect()
        dl = look(capsule).dl_tensor
        dtype = (dl.dtype.code, dl.dtype.bits, dl.dtype.lanes)
        device = (dl.device.device_type, dl.device.device_id)
        return dl.data, device, dtype, dl.shape[: dl.ndim], dl.strides[: dl.ndim], dl.byte_offset

    def test_fields(self) -> None:
        view = memory_of("cuda", 2).view("<f4", (2, 3, 4), 16)
        self.assertEqual(
            (view.address, (2, 2), (2, 32, 1), [2, 3, 4], [12, 4, 1], 0), self.fields(view)
        )

    def test_types(self) -> None:
        memory = memory_of("udmabuf")
        for dtype, code, bits in (("bfloat16", 4, 16), ("|b1", 6, 8), ("<c8", 5, 64)):
            self.assertEqual((code, bits, 1), self.fields(memory.view(dtype))[2])

    def test_devices(self) -> None:
        self.assertEqual((1, 0), memory_of("host").__dlpack_device__())
        self.assertEqual((1, 0), memory_of("udmabuf").__dlpack_device__())
        self.assertEqual((2, 3), memory_of("cuda", 3).__dlpack_device__())

    def test_dmvram_is_no_device_of_dlpack(self) -> None:
        memory = memory_of("dmvram")
        for ask in (memory.__dlpack__, memory.__dlpack_device__):
            self.assertRaisesRegex(BufferError, "copy engine only.*tobytes", ask)

    def test_arguments(self) -> None:
        memory = memory_of("cuda")
        memory.__dlpack__(stream=1, max_version=(1, 0), dl_device=(2, 0), copy=False)
        for args in ({"copy": True}, {"dl_device": (1, 0)}):
            self.assertRaises(BufferError, lambda args=args: memory.__dlpack__(**args))
        self.assertEqual(0, _dlpack.exported())

    def test_capsule_without_a_consumer(self) -> None:
        memory = memory_of("host")
        capsule = memory.__dlpack__()
        memory.release()
        self.assertEqual((1, 1), (_dlpack.exported(), standin.count("memories")))
        del capsule
        self.assertEqual((0, 0), (_dlpack.exported(), standin.count("memories")))

    def test_consumer_ends_it_not_the_capsule(self) -> None:
        memory = memory_of("host")
        managed = consume(memory.__dlpack__())
        memory.release()
        gc.collect()
        self.assertEqual(bytes(range(9)), ctypes.string_at(managed.dl_tensor.data, 9))
        self.assertEqual(1, standin.count("memories"))
        delete(managed)
        self.assertEqual(0, standin.count("memories"))

    def test_deleter_in_a_thread_that_python_does_not_know(self) -> None:
        memory = memory_of("host")
        managed = consume(memory.__dlpack__())
        memory.release()
        thread = ctypes.c_ulong()
        libc = ctypes.CDLL(None)
        arguments = (ctypes.c_void_p(managed.deleter), ctypes.c_void_p(ctypes.addressof(managed)))
        self.assertEqual(0, libc.pthread_create(ctypes.byref(thread), None, *arguments))
        self.assertEqual(0, libc.pthread_join(thread, None))
        self.assertEqual(0, standin.count("memories"))

    def test_each_consumer_counts(self) -> None:
        memory = memory_of("host")
        first, second = consume(memory.__dlpack__()), consume(memory.__dlpack__())
        memory.release()
        delete(first)
        self.assertEqual(1, standin.count("memories"))
        delete(second)
        self.assertEqual(0, standin.count("memories"))

    def test_references_are_not_leaked(self) -> None:
        memory = memory_of("host")
        before = sys.getrefcount(memory.span)
        for _ in range(100):
            delete(consume(memory.__dlpack__()))
            memory.__dlpack__()
        self.assertEqual(before, sys.getrefcount(memory.span))

    def test_many_threads(self) -> None:
        memory = memory_of("host")

        def use() -> None:
            for _ in range(200):
                delete(consume(memory.__dlpack__()))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(0, _dlpack.exported())
