# SPDX-License-Identifier: BSD-3-Clause
"""The structs of devmem.h and devmem_http.h as ctypes has them, with C's names."""

from ctypes import (
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_int,
    c_size_t,
    c_ubyte,
    c_uint,
    c_uint64,
    c_ulong,
    c_ushort,
    c_void_p,
)

ERROR_TEXT = 512
NIC_NAME = 16
MEM_KINDS = ("host", "udmabuf", "dmvram", "cuda")  # enum devmem_mem_kind


class SockaddrStorage(Structure):
    """struct sockaddr_storage: 128 bytes, aligned as a long is."""

    _fields_ = [
        ("ss_family", c_ushort),
        ("__ss_padding", c_ubyte * (126 - 8)),
        ("__ss_align", c_ulong),
    ]


class Error(Structure):
    """struct devmem_error"""

    _fields_ = [("code", c_int), ("text", c_char * ERROR_TEXT)]


class Mem(Structure):
    """struct devmem_mem"""

    _fields_ = [
        ("exporter", c_void_p),
        ("addr", c_void_p),
        ("size", c_size_t),
        ("dmabuf_fd", c_int),
        ("dmabuf_offset", c_uint64),
        ("owned", c_bool),
    ]


class Copy(Structure):
    """struct devmem_copy"""

    _fields_ = [("dst", c_void_p), ("src", c_void_p), ("len", c_size_t)]


class Nic(Structure):
    """struct devmem_nic"""

    _fields_ = [
        ("name", c_char * NIC_NAME),
        ("ifindex", c_uint),
        ("ifname", c_char * NIC_NAME),
        ("spread", c_bool),
        ("pci_path", c_char * 256),
        ("guid", c_uint64),
        ("speed_mbps", c_uint),
        ("port", c_uint),
        ("mtu", c_uint),
        ("rx_queues", c_uint),
        ("addr", SockaddrStorage),
    ]


class HttpOptions(Structure):
    """struct devmem_http_options"""

    _fields_ = [
        ("queues", c_uint),
        ("connections", c_uint),
        ("pool_bytes", c_size_t),
        ("part_bytes", c_uint64),
        ("tries", c_uint),
        ("timeout_ms", c_uint),
        ("count_copies", c_bool),
        ("redirects", c_uint),
        ("lease_dir", c_char_p),
        ("broker", c_char_p),
    ]


class HttpStats(Structure):
    """struct devmem_http_stats"""

    _fields_ = [
        (name, c_uint64)
        for name in (
            "requests responses connects retries redirects rx_device rx_linear rx_plain placed "
            "head_bytes body_read_back copy_ns discarded tokens_taken tokens_returned"
        ).split()
    ]


class Object(Structure):
    """struct devmem_object"""

    _fields_ = [("number", c_uint64), ("url", c_char_p), ("addr", c_void_p), ("size", c_uint64)]


C_NAMES = {
    SockaddrStorage: "sockaddr_storage",
    Error: "devmem_error",
    Mem: "devmem_mem",
    Copy: "devmem_copy",
    Nic: "devmem_nic",
    HttpOptions: "devmem_http_options",
    HttpStats: "devmem_http_stats",
    Object: "devmem_object",
}
