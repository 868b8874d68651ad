import struct
from pathlib import Path

import pytest

from runner.docker.elf import is_static, libraries_told

LOAD, DYNAMIC, INTERP = 1, 2, 3


def an_elf(*segments: int, order: str = "<") -> bytes:
    kind = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02")
    header = bytearray(kind.ljust(64, b"\0"))
    struct.pack_into(f"{order}Q", header, 32, 64)
    struct.pack_into(f"{order}HH", header, 54, 56, len(segments))
    table = (struct.pack(f"{order}I", kind).ljust(56, b"\0") for kind in segments)
    return bytes(header) + b"".join(table)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("segments", "static"),
    [((LOAD, LOAD), True), ((LOAD, INTERP, DYNAMIC), False)],
)
def test_a_program_that_names_no_loader_is_static(
    tmp_path: Path, segments: tuple[int, ...], static: bool, order: str
) -> None:
    program = tmp_path / "program"
    program.write_bytes(an_elf(*segments, order=order))

    assert is_static(program) is static


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\nexec terraform\n", b"\x7fELF"])
def test_what_is_no_elf_program_cannot_be_copied_alone(
    tmp_path: Path, content: bytes
) -> None:
    program = tmp_path / "program"
    program.write_bytes(content)

    assert not is_static(program)


def test_a_program_that_is_not_there_is_not_static(tmp_path: Path) -> None:
    assert not is_static(tmp_path / "none")


def test_libraries_and_loader_are_read_from_what_ldd_prints() -> None:
    listing = """\
/usr/bin/python3:
	linux-vdso.so.1 (0x00007fda5067d000)
	libpython3.11.so.1.0 => /opt/py thon/lib/libpython3.11.so.1.0 (0x00007fda50000000)
	libgone.so.1 => not found
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fda4fe1e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007fda5067f000)
/usr/bin/static:
	statically linked
"""

    assert libraries_told(listing) == {
        Path("/opt/py thon/lib/libpython3.11.so.1.0"),
        Path("/lib/x86_64-linux-gnu/libc.so.6"),
        Path("/lib64/ld-linux-x86-64.so.2"),
    }
