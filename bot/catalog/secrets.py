"""The values that stacks take from outside: read for a run, looked for by a check."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from bot.domain.errors import SecretUnavailable
from bot.domain.stack import (
    Catalog,
    FromCommand,
    FromEnv,
    FromFile,
    StackName,
    ValueSource,
)
from runner.unbroken import begun, finished

#: How long a program may take to print a value, in seconds.
PATIENCE: Final = 10.0

#: How long a value may be that a program prints, in bytes.
_MOST: Final = 1 << 20
_CHUNK: Final = 1 << 16

#: What the bot has for itself and no program needs.
_OWN: Final = ("SLACK_", "HANDRAIL_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A value that a run on *stack* would not find."""

    stack: StackName
    name: str  #: of the secret, or the path of the file
    text: str

    def __str__(self) -> str:
        return f"stack {self.stack}: {self.name}: {self.text}"


@dataclass(frozen=True, slots=True)
class HostValues:
    """The values that this machine has, under the bot's own environment."""

    environ: Mapping[str, str]

    async def content(self, source: ValueSource) -> bytes:
        """Return the value as it is, or raise SecretUnavailable."""
        return await read(source, self.environ)

    async def variable(self, source: ValueSource) -> str:
        """Return the value for an environment variable, or raise SecretUnavailable."""
        return await read_variable(source, self.environ)


async def read(
    source: ValueSource,
    environ: Mapping[str, str] = os.environ,
    *,
    within: float = PATIENCE,
) -> bytes:
    """Return the value of *source*, or raise SecretUnavailable.

    That of a program comes without its last line end; it has *within* seconds.
    """
    if lack := absence(source, environ):
        raise SecretUnavailable(lack)
    match source:
        case FromEnv(variable=variable):
            return os.fsencode(environ[variable])
        case FromFile(path=path):
            return await asyncio.to_thread(_content, path)
        case FromCommand():
            return await _printed(source, environ, within)
        case _:
            assert_never(source)


async def read_variable(
    source: ValueSource,
    environ: Mapping[str, str] = os.environ,
    *,
    within: float = PATIENCE,
) -> str:
    """Return the value of *source* for an environment variable.

    That is UTF-8 without its last line end. Raises SecretUnavailable.
    """
    value = await read(source, environ, within=within)
    try:
        text = re.sub(r"\r?\n\Z", "", value.decode())
    except UnicodeDecodeError:
        text = "\0"
    if not text:
        raise SecretUnavailable(f"{_called(source)} is empty; give it a value")
    if "\0" in text:
        raise SecretUnavailable(
            f"{_called(source)} is not text, so no variable can hold it; use it in "
            "`files`, or encode it first"
        )
    return text


def missing(catalog: Catalog, environ: Mapping[str, str]) -> tuple[Missing, ...]:
    """Return what the stacks of *catalog* would not find; no program is run."""
    return tuple(
        Missing(stack=stack.name, name=name, text=lack)
        for stack in catalog.stacks.values()
        for name, source in (
            *stack.secrets.items(),
            *((file.path, file.source) for file in stack.files),
        )
        if (lack := absence(source, environ))
    )


def absence(source: ValueSource, environ: Mapping[str, str]) -> str | None:
    """Say why *source* could give no value; None if nothing speaks against it."""
    match source:
        case FromEnv(variable=variable):
            if environ.get(variable):
                return None
            state = "empty" if variable in environ else "not set"
            return f"{_called(source)} is {state}; set it where the bot starts"
        case FromFile(path=path):
            lack = _hindrance(path)
            hint = "put a file there that the bot may read"
            return f"{_called(source)} {lack}; {hint}" if lack else None
        case FromCommand(arguments=arguments):
            if shutil.which(arguments[0], path=environ.get("PATH", os.defpath)):
                return None
            return (
                f"{_called(source)} is not found; install it, or write its whole path"
            )
        case _:
            assert_never(source)


def _hindrance(path: Path) -> str | None:
    try:
        if path.is_file() and os.access(path, os.R_OK):
            return None
        return "cannot be read" if path.exists() else "does not exist"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _called(source: ValueSource) -> str:
    match source:
        case FromEnv(variable=variable):
            return f"the environment variable {variable}"
        case FromFile(path=path):
            return f"the file {path}"
        case FromCommand(arguments=arguments):
            # Only the program: a token may stand among the arguments.
            return f"the program {arguments[0]}"
        case _:
            assert_never(source)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SecretUnavailable(
            f"the file {path} cannot be read ({error.strerror}); put a file there that "
            "the bot may read"
        ) from error


async def _printed(
    source: FromCommand, environ: Mapping[str, str], within: float
) -> bytes:
    process = await begun(_started(source, environ), _end)
    try:
        async with asyncio.timeout(within):
            value = await _value(process)
    except TimeoutError:
        raise SecretUnavailable(
            f"{_called(source)} gave no value within {within:g} s; run it by hand to "
            "see what it waits for"
        ) from None
    finally:
        await finished(_end(process))
    if len(value) > _MOST:
        raise SecretUnavailable(
            f"{_called(source)} prints more than {_MOST >> 20} MiB, which is too long "
            "for a value; let it print the value alone"
        )
    if process.returncode != 0:
        raise SecretUnavailable(
            f"{_called(source)} ended with exit code {process.returncode}; run it by "
            "hand, as the user the bot runs as, to see why"
        )
    return re.sub(rb"\r?\n\Z", b"", value)


async def _started(source: FromCommand, environ: Mapping[str, str]) -> Process:
    inherited = {
        name: value for name, value in environ.items() if not name.startswith(_OWN)
    }
    try:
        return await asyncio.create_subprocess_exec(
            *source.arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            env=inherited,
            start_new_session=True,
        )
    except OSError as error:
        raise SecretUnavailable(
            f"{_called(source)} cannot be started ({error.strerror}); install it, or "
            "write its whole path"
        ) from error


async def _value(process: Process) -> bytes:
    """Return what *process* prints until it ends, or its beginning of too much."""
    value = bytearray()
    while part := await _part(process):
        value += part
        if len(value) > _MOST:
            return bytes(value)
    await process.wait()
    return bytes(value)


async def _part(process: Process) -> bytes:
    return await process.stdout.read(_CHUNK) if process.stdout else b""


async def _end(process: Process) -> None:
    """Leave nothing of *process* behind, whatever it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # For asyncio it is not over before all is read that it printed.
    while await _part(process):
        pass
    await process.wait()
