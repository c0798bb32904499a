# SPDX-License-Identifier: BSD-3-Clause
"""What the binding says of C is what the headers say: structs, numbers, functions."""

import ctypes
import pathlib
import re
import subprocess
import tempfile
import unittest
from typing import Dict, List

import standin
from devmem import _dlpack, _lib, _structs

HEADERS = "".join((standin.INCLUDE / name).read_text() for name in ("devmem.h", "devmem_http.h"))


def python_layout() -> Dict[str, List[int]]:
    """Size of each struct, offset and size of each field, as ctypes has them."""
    layout: Dict[str, List[int]] = {}
    for cls, name in _structs.C_NAMES.items():
        layout[f"struct {name}"] = [ctypes.sizeof(cls)]
        for field, _ in cls._fields_:
            if not field.startswith("__"):
                place = getattr(cls, field)
                layout[f"struct {name}.{field}"] = [place.offset, place.size]
    return layout


def c_program(entries: List[str]) -> str:
    """A program that prints the same lines as they are in C."""
    lines = ['#include "devmem_http.h"', "#include <stdio.h>", "int main(void)", "{"]
    for entry in entries:
        struct, _, field = entry.partition(".")
        figures = [f"sizeof({struct})"]
        if field:
            figures = [f"offsetof({struct}, {field})", f"sizeof((({struct} *)0)->{field})"]
        pattern = " %zu" * len(figures)
        lines.append(f'printf("{entry}{pattern}\\n", {", ".join(figures)});')
    for number, kind in enumerate(_structs.MEM_KINDS):
        lines.append(f'_Static_assert(DEVMEM_MEM_{kind.upper()} == {number}, "{kind}");')
    lines.append(f'_Static_assert(DEVMEM_ERROR_TEXT == {_structs.ERROR_TEXT}, "text");')
    lines.append(f'_Static_assert(DEVMEM_NIC_NAME == {_structs.NIC_NAME}, "name");')
    return "\n".join([*lines, "}"])


def c_layout(entries: List[str]) -> Dict[str, List[int]]:
    """What the compiler says of @entries."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        source.write_text(c_program(entries))
        standin.compile_c("-o", program, source)
        lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    split = [re.fullmatch(r"(.*?)((?: \d+)+)", line) for line in lines.splitlines()]
    return {match[1]: [int(figure) for figure in match[2].split()] for match in split}


def fields_of(struct: str) -> int:
    """How many fields the header's @struct has."""
    body = re.search(r"\nstruct %s \{(.*?)\n\}" % struct, HEADERS, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    return sum(declaration.count(",") + 1 for declaration in body.split(";")[:-1])


def parameters_of(function: str) -> int:
    """How many parameters the header's @function has."""
    text = re.sub(r"/\*.*?\*/", "", HEADERS, flags=re.S)
    return re.search(r"\b%s\(([^;]*)\);" % function, text)[1].count(",") + 1


class LayoutTest(unittest.TestCase):
    """Structs and functions."""

    def test_structs_are_as_in_the_headers(self) -> None:
        layout = python_layout()
        self.assertEqual(c_layout(list(layout)), layout)

    def test_no_field_is_missing(self) -> None:
        for cls, name in _structs.C_NAMES.items():
            if cls is not _structs.SockaddrStorage:
                self.assertEqual(fields_of(name), len(cls._fields_), name)

    def test_functions_have_as_many_parameters(self) -> None:
        for name, (_, arguments) in {**_lib.DEVMEM, **_lib.HTTP}.items():
            self.assertEqual(parameters_of(name), len(arguments), name)

    def test_dlpack_is_as_its_specification_has_it(self) -> None:
        # dlpack.h is a stable interface, of machines with pointers of 8 bytes here.
        tensor, managed = _dlpack.DLTensor, _dlpack.DLManagedTensor
        self.assertEqual(
            [0, 8, 16, 20, 24, 32, 40],
            [getattr(tensor, name).offset for name, _ in tensor._fields_],
        )
        self.assertEqual([0, 48, 56], [getattr(managed, n).offset for n, _ in managed._fields_])
