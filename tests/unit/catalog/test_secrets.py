"""Values that come from outside, and what is said when they do not."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from bot.catalog.load import load
from bot.catalog.secrets import missing, read, read_variable
from bot.domain.errors import SecretUnavailable
from bot.domain.stack import FromCommand, FromEnv, FromFile, ValueSource
from tests.unit.catalog.conftest import Write, a_config

ENVIRON = {"PATH": os.environ["PATH"], "A": "value", "EMPTY": ""}


def python(script: str) -> FromCommand:
    return FromCommand(arguments=(sys.executable, "-c", script))


async def refusal(source: ValueSource, *, within: float = 10.0) -> str:
    with pytest.raises(SecretUnavailable) as refused:
        await read(source, ENVIRON, within=within)
    return str(refused.value)


async def test_a_variable_gives_its_value() -> None:
    assert await read(FromEnv(variable="A"), ENVIRON) == b"value"


async def test_a_file_gives_every_byte(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\x00\xffk\n")

    assert await read(FromFile(path=tmp_path / "key")) == b"\x00\xffk\n"


async def test_a_file_for_a_variable_comes_without_its_last_line_end(
    tmp_path: Path,
) -> None:
    (tmp_path / "password").write_bytes(b"a\nb\r\n")

    assert await read_variable(FromFile(path=tmp_path / "password")) == "a\nb"


async def test_a_program_gives_what_it_prints_without_its_last_line_end() -> None:
    assert await read(python("print('a\\n')"), ENVIRON) == b"a\n"


async def test_arguments_of_a_program_are_no_shell_text() -> None:
    source = FromCommand(arguments=("printf", "%s", "$(id) ; `id` *"))

    assert await read(source, ENVIRON) == b"$(id) ; `id` *"


async def test_a_program_finds_its_input_closed() -> None:
    source = python("import sys; print(len(sys.stdin.read()))")

    assert await read(source, ENVIRON) == b"0"


async def test_a_program_does_not_see_the_tokens_of_the_bot() -> None:
    environ = ENVIRON | {"SLACK_BOT_TOKEN": "x", "HANDRAIL_DATABASE_URL": "x"}
    source = python("import os; print(sorted(set(os.environ) & set(%r)))")
    script = source.arguments[2] % sorted(environ)

    assert await read(python(script), environ) == b"['A', 'EMPTY', 'PATH']"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            FromEnv(variable="B"),
            "the environment variable B is not set; set it where the bot starts",
        ),
        (
            FromEnv(variable="EMPTY"),
            "the environment variable EMPTY is empty; set it where the bot starts",
        ),
        (
            FromFile(path=Path("/no/such")),
            "the file /no/such does not exist; put a file there that the bot may read",
        ),
        (
            FromFile(path=Path("/")),
            "the file / cannot be read; put a file there that the bot may read",
        ),
        (
            FromFile(path=Path("/" + 300 * "x")),
            (
                f"the file /{300 * 'x'} cannot be read (File name too long); put a "
                "file there that the bot may read"
            ),
        ),
        (
            FromCommand(arguments=("no-such-program", "--token=hunter2")),
            (
                "the program no-such-program is not found; install it, or write "
                "its whole path"
            ),
        ),
        (
            FromCommand(arguments=("false",)),
            (
                "the program false ended with exit code 1; run it by hand, as the "
                "user the bot runs as, to see why"
            ),
        ),
    ],
)
async def test_a_source_without_a_value_is_named_with_what_to_do(
    source: ValueSource, said: str
) -> None:
    assert await refusal(source) == said


async def test_a_program_that_does_not_end_is_killed_with_all_it_started(
    tmp_path: Path,
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    source = FromCommand(
        arguments=("sh", "-c", f"sleep 300 > '{fifo}' & echo hunter2; wait")
    )

    began = time.monotonic()
    said = await refusal(source, within=0.5)

    assert said == (
        "the program sh gave no value within 0.5 s; run it by hand to see what it "
        "waits for"
    )
    assert time.monotonic() - began < 60
    os.set_blocking(reader, True)
    # The end of the file comes when nobody is left who could write into it.
    assert await asyncio.to_thread(os.read, reader, 1) == b""
    os.close(reader)


async def test_a_program_that_prints_without_end_is_ended_with_all_it_started(
    tmp_path: Path,
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    source = FromCommand(
        arguments=("sh", "-c", f"sleep 300 > '{fifo}' & exec yes hunter2")
    )

    said = await refusal(source, within=60)

    assert said == (
        "the program sh prints more than 1 MiB, which is too long for a value; let it "
        "print the value alone"
    )
    os.set_blocking(reader, True)
    # The end of the file comes when nobody is left who could write into it.
    assert await asyncio.to_thread(os.read, reader, 1) == b""
    os.close(reader)


async def test_a_program_may_print_a_value_of_a_mebibyte() -> None:
    source = python(f"import sys; sys.stdout.write('x' * {1 << 20})")

    assert await read(source, ENVIRON) == b"x" * (1 << 20)


async def test_a_program_that_printed_much_before_it_hung_is_given_up() -> None:
    source = FromCommand(
        arguments=("sh", "-c", "head -c 900000 /dev/zero; exec sleep 300")
    )

    assert "gave no value within 0.5 s" in await refusal(source, within=0.5)


async def test_a_failing_program_does_not_tell_what_it_printed() -> None:
    said = await refusal(python("import sys; print('hunter2'); sys.exit('hunter2')"))

    assert "hunter2" not in said


async def test_what_no_variable_can_hold_is_refused(tmp_path: Path) -> None:
    for name, content in {"nul": b"a\0b", "latin": b"\xe9", "empty": b"\n"}.items():
        (tmp_path / name).write_bytes(content)

    refused = {
        name: await variable_refusal(tmp_path / name) for name in ("nul", "latin")
    }

    assert set(refused.values()) == {
        "is not text, so no variable can hold it; use it in `files`, or encode it first"
    }
    assert await variable_refusal(tmp_path / "empty") == "is empty; give it a value"


async def variable_refusal(path: Path) -> str:
    with pytest.raises(SecretUnavailable) as refused:
        await read_variable(FromFile(path=path))
    return str(refused.value).removeprefix(f"the file {path} ")


def test_what_the_stacks_would_not_find_is_named_without_running_a_program(
    write: Write,
) -> None:
    catalog = load(
        write(
            a_config(
                "secrets: {A: {env: A}, B: {env: B}, C: {command: ['false']}}\n"
                "files: {k: {file: /no/such}}"
            )
        )
    )

    assert [str(it) for it in missing(catalog, ENVIRON)] == [
        (
            "stack net-prod: B: the environment variable B is not set; set it "
            "where the bot starts"
        ),
        (
            "stack net-prod: k: the file /no/such does not exist; put a file there "
            "that the bot may read"
        ),
    ]
