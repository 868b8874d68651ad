import os
import shlex
import stat
from pathlib import Path

import pytest

from runner.driver import OPEN, Mark, mark
from tests.unit.runner.drive import COMMAND, INIT, NONCE, Drive, ended


def test_what_reads_at_the_gate_has_the_environment_and_directory_of_the_session(
    drive: Drive, tmp_path: Path
) -> None:
    value = "it's $HOME \"q\" \\b\n  export GIVEN=x  \n'\\'';\t\x01é*"
    session = tmp_path / "session"

    end, read = drive.read_at_the_gate(
        'printf "%s|" "$VALUE" "$GIVEN" "${UNSET-gone}" "${OWN-none}"; pwd',
        (INIT, f"export VALUE={shlex.quote(value)}; OWN=not-exported"),
        (INIT, "unset UNSET; mkdir 'it'\\''s here'; cd 'it'\\''s here'"),
        (COMMAND, f'ls {session}; echo "${{__hr_directory-clean}}"; pwd'),
        session=session,
    )

    directory = str(drive.workspace / "source/it's here")
    assert "\n".join(read) == f"{value}|by the engine|gone|none|{directory}\n"
    assert end.output.split("\n")[-3:] == ["clean", directory, ""]
    assert "No such file" in end.output
    assert end.code == 0


def test_what_the_session_left_is_its_owners_and_goes_once_the_gate_opens(
    drive: Drive, tmp_path: Path
) -> None:
    session = tmp_path / "session"
    with drive.start((COMMAND, f"ls {session}; :"), session=session) as process:
        assert process.stdout
        before = b""
        while mark(NONCE, Mark.GATE) not in before:
            before += os.read(process.stdout.fileno(), 4096)
        mode = session.stat().st_mode
        out, _ = process.communicate(OPEN, timeout=20)

    assert stat.filemode(mode) == "-rw-------"
    assert "No such file" in ended(before + out, process.returncode).output


@pytest.mark.parametrize(
    "text",
    [
        "set -euC",
        "export UID EUID PPID SHELLOPTS",
        "readonly HELD=fast; export HELD; export WITHOUT_VALUE",
        "umask 777",
        "pwd() { echo elsewhere; }; CDPATH=/; export CDPATH",
        "set -a",
    ],
)
def test_a_session_is_read_whatever_a_text_has_set(
    drive: Drive, tmp_path: Path, text: str
) -> None:
    end, read = drive.read_at_the_gate(
        "pwd", (INIT, text), (COMMAND, "true"), session=tmp_path / "session"
    )

    assert read == [str(drive.workspace / "source"), ""]
    assert (end.output, end.code) == ("", 0)


def test_what_reads_has_no_input_and_errors_of_it_are_dropped(
    drive: Drive, tmp_path: Path
) -> None:
    _, read = drive.read_at_the_gate(
        "echo lost >&2; cat; echo printed; exit 3",
        (COMMAND, "true"),
        session=tmp_path / "session",
    )

    assert read == ["printed", ""]


@pytest.mark.parametrize("session", ["session", "not/there/session"])
def test_nothing_of_leaving_the_session_is_seen(
    drive: Drive, tmp_path: Path, session: str
) -> None:
    texts = (INIT, "set -x; export SEEN=it"), (COMMAND, "true")
    with_none = drive(*texts)

    with drive.start(*texts, session=tmp_path / session) as process:
        out, _ = process.communicate(OPEN, timeout=20)

    assert ended(out, process.returncode) == with_none


def test_a_session_that_was_not_left_is_not_read(drive: Drive, tmp_path: Path) -> None:
    session = tmp_path / "not/there"

    end, read = drive.read_at_the_gate("echo never", (COMMAND, "true"), session=session)

    assert read == [""]
    assert (end.output, end.code) == ("", 0)


def test_a_session_whose_directory_went_is_not_read(
    drive: Drive, tmp_path: Path
) -> None:
    _, read = drive.read_at_the_gate(
        "echo never",
        (INIT, 'mkdir gone; cd gone; rmdir "$PWD"'),
        (COMMAND, "true"),
        session=tmp_path / "session",
    )

    assert read == [""]
