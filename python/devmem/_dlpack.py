# SPDX-License-Identifier: BSD-3-Clause
"""DLPack capsules, made by ctypes: tensors of other libraries over our memory, without a copy."""

import ctypes
from ctypes import c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint64, c_void_p
from typing import Any, Dict, Tuple

CPU, CUDA = 1, 2  # DLDeviceType

_NAME = b"dltensor"  # a consumer makes it used_dltensor, and then owes a call of the deleter


class DLDevice(ctypes.Structure):
    """DLDevice"""

    _fields_ = [("device_type", c_int32), ("device_id", c_int32)]


class DLDataType(ctypes.Structure):
    """DLDataType"""

    _fields_ = [("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16)]


class DLTensor(ctypes.Structure):
    """DLTensor"""

    _fields_ = [
        ("data", c_void_p),
        ("device", DLDevice),
        ("ndim", c_int32),
        ("dtype", DLDataType),
        ("shape", ctypes.POINTER(c_int64)),
        ("strides", ctypes.POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class DLManagedTensor(ctypes.Structure):
    """DLManagedTensor; deleter takes the address of the struct."""

    _fields_ = [("dl_tensor", DLTensor), ("manager_ctx", c_void_p), ("deleter", c_void_p)]


_api = ctypes.pythonapi
_capsule_new = _api["PyCapsule_New"]
_capsule_new.restype = ctypes.py_object
_capsule_new.argtypes = [c_void_p, c_char_p, c_void_p]
# A destructor's capsule has no references: it may be handed around as a number only.
_capsule_is_valid = _api["PyCapsule_IsValid"]
_capsule_is_valid.argtypes = [c_void_p, c_char_p]
_capsule_pointer = _api["PyCapsule_GetPointer"]
_capsule_pointer.restype = c_void_p
_capsule_pointer.argtypes = [c_void_p, c_char_p]
_error_occurred = _api["PyErr_Occurred"]

# What each exported tensor needs until its deleter is called, by the struct's address.
_exported: Dict[int, Tuple[Any, ...]] = {}


# Both are called when modules may be gone already, as the process ends: so they use no globals.
@ctypes.CFUNCTYPE(None, c_void_p)
def _delete(managed: int, exported: Dict[int, Any] = _exported) -> None:
    exported.pop(managed, None)


@ctypes.CFUNCTYPE(None, c_void_p)
def _destroy(
    capsule: int,
    exported: Dict[int, Any] = _exported,
    raise_what_is_set: Any = _error_occurred,
    is_valid: Any = _capsule_is_valid,
    pointer: Any = _capsule_pointer,
    name: bytes = _NAME,
) -> None:
    try:
        # A consumer that fails may drop the capsule with its exception set, which no callback can
        # hand on: here it is raised, so that it is shown, and the consumer ends in a SystemError.
        raise_what_is_set()
    finally:
        if is_valid(capsule, name):
            exported.pop(pointer(capsule, name), None)


# Consumers may outlive the interpreter's modules: these stay for ever.
for _forever in (_delete, _destroy, _exported):
    _api.Py_IncRef(ctypes.py_object(_forever))

_DELETE = ctypes.cast(_delete, c_void_p)
_DESTROY = ctypes.cast(_destroy, c_void_p)


def _strides(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    strides = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))


def capsule(
    address: int,
    device: Tuple[int, int],
    dtype: Tuple[int, int],
    shape: Tuple[int, ...],
    holds: object,
) -> object:
    """A capsule "dltensor" of a compact tensor.

    @device: DLPack's type and number. @dtype: DLPack's type code and the bits of an element.
    @holds lives until the consumer calls the deleter, or the capsule goes without a consumer.
    """
    lengths = (c_int64 * len(shape))(*shape)
    steps = (c_int64 * len(shape))(*_strides(shape))
    managed = DLManagedTensor(
        DLTensor(
            address, DLDevice(*device), len(shape), DLDataType(*dtype, 1), lengths, steps, 0
        ),
        None,
        _DELETE,
    )
    at = ctypes.addressof(managed)
    _exported[at] = (managed, lengths, steps, holds)
    return _capsule_new(at, _NAME, _DESTROY)


def exported() -> int:
    """How many tensors consumers have, or may still take from a capsule."""
    return len(_exported)
