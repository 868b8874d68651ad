"""What an ELF program needs in order to run in a root file system of its own."""

import re
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PT_INTERP: Final = 3  #: elf(5): the segment that names the dynamic loader
LDD_LIMIT: Final = 30  #: seconds


def is_static(program: Path) -> bool:
    """Tell whether *program* is a 64-bit ELF executable that needs no loader."""
    try:
        with program.open("rb") as file:
            header = file.read(64)
            if len(header) < 64 or not header.startswith(b"\x7fELF\x02"):
                return False
            order = "<" if header[5] == 1 else ">"
            (start,) = struct.unpack_from(f"{order}Q", header, 32)
            size, count = struct.unpack_from(f"{order}HH", header, 54)
            file.seek(start)
            table = file.read(size * count)
    except OSError:
        return False
    kinds = (struct.unpack_from(f"{order}I", table, size * n)[0] for n in range(count))
    return PT_INTERP not in kinds


def shared_libraries(objects: Iterable[Path]) -> frozenset[Path]:
    """Return the loader and the libraries that *objects* load, as ldd finds them."""
    done = subprocess.run(
        ["ldd", *map(str, objects)],
        capture_output=True,
        text=True,
        timeout=LDD_LIMIT,
        check=True,
    )
    return libraries_told(done.stdout)


def libraries_told(listing: str) -> frozenset[Path]:
    """Read the absolute paths out of what ldd prints."""
    pattern = re.compile(r"^\s+(?:\S+ => )?(/.+) \(0x[0-9a-f]+\)$", re.MULTILINE)
    return frozenset(Path(path) for path in pattern.findall(listing))
