import os
import shlex
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.driver import (
    DRIVER,
    OPEN,
    Mark,
    Marks,
    entrypoint,
    mark,
    reading_script,
)
from tests.support.runs import a_job

NONCE = "4f1d"

#: Each shell that is installed here, `sh` always among them.
SHELLS = [
    words
    for words in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(words[0])
]


#: What every process in the container starts with.
ENVIRONMENT = {"PATH": os.environ["PATH"], "GIVEN": "by the engine", "UNSET": "too"}


@dataclass
class Ended:
    output: str  #: what is left without the marks
    marks: list[Mark]
    code: int


class Drive:
    """Runs the driver in one shell, with a workspace of its own."""

    def __init__(self, shell: list[str], workspace: Path) -> None:
        self.shell = shell
        self.workspace = workspace
        (workspace / "source").mkdir()

    def __call__(self, *texts: tuple[str, str], gate: bool = True) -> Ended:
        process = self.start(*texts)
        out, _ = process.communicate(OPEN if gate else b"", timeout=20)
        return ended(out, process.returncode)

    def start(
        self,
        *texts: tuple[str, str],
        root: str = "",
        waits: str = "",
        session: Path | str = "",
    ) -> "subprocess.Popen[bytes]":
        words = [word for pair in texts for word in pair]
        options = [NONCE, str(self.workspace), root, waits, str(session)]
        return subprocess.Popen(
            [*self.shell, "-c", DRIVER, "handrail", *options, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=ENVIRONMENT,
        )

    def read_at_the_gate(
        self, reading: str, *texts: tuple[str, str], session: Path
    ) -> tuple[Ended, list[str]]:
        """Run *reading* at the gate; return the end, and what it printed by lines."""
        with self.start(*texts, session=session) as process:
            assert process.stdin
            assert process.stdout
            before = b""
            while mark(NONCE, Mark.GATE) not in before:
                before += os.read(process.stdout.fileno(), 4096)
            read = subprocess.run(
                [*self.shell, "-c", reading_script(reading, str(session))],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=ENVIRONMENT,
                check=False,
                timeout=20,
            )
            assert read.stderr == b""
            rest, _ = process.communicate(OPEN, timeout=20)
        return ended(before + rest, process.returncode), read.stdout.decode().split(
            "\n"
        )

    def interrupted(self, *texts: tuple[str, str], after: bytes, gate: bool) -> Ended:
        """Send all of it SIGINT once it has printed *after*."""
        with self.start(*texts) as process:
            assert process.stdin
            assert process.stdout
            if gate:
                process.stdin.write(OPEN)
                process.stdin.flush()
            before = b""
            while after not in before:
                before += os.read(process.stdout.fileno(), 4096)
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=20)
        return ended(before + rest, process.returncode)


def ended(out: bytes, code: int) -> Ended:
    marks = Marks(NONCE)
    items = list(marks.feed(out))
    output = b"".join(item for item in items if isinstance(item, bytes))
    found = [item for item in items if isinstance(item, Mark)]
    return Ended((output + marks.flush()).decode(), found, code)


@pytest.fixture(params=SHELLS, ids=lambda words: words[0])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Drive:
    return Drive(request.param, tmp_path)


#: A child that dies of SIGINT whenever it comes once "busy" is printed.
BUSY = "sh -c 'echo busy; exec sleep 60'"

INIT, BEFORE, COMMAND = "initializing", "before_perform", "command"
AFTER, AFTER_RUN = "after_perform", "after_run"
STATE = (AFTER_RUN, "echo $HANDRAIL_FINAL_STATE")


def test_all_phases_come_in_order_and_leave_their_marks(drive: Drive) -> None:
    end = drive(
        (INIT, "echo init"),
        (BEFORE, "echo before"),
        (COMMAND, "echo command"),
        (AFTER, "echo after"),
        STATE,
    )

    assert end.output.split() == ["init", "before", "command", "after", "finished"]
    assert end.marks == [Mark.INITIALIZING, Mark.GATE, Mark.PERFORMING, Mark.ENDED]
    assert end.code == 0


def test_without_initializing_there_is_no_mark_of_it(drive: Drive) -> None:
    end = drive((COMMAND, "true"))

    assert end.marks == [Mark.GATE, Mark.PERFORMING, Mark.ENDED]


def test_texts_share_one_shell_and_the_command_its_exports(drive: Drive) -> None:
    end = drive(
        (INIT, "export SEEN=exported; own=variable; greet() { echo hello; }"),
        (INIT, 'greet; echo "$own"; mkdir below; cd below'),
        (COMMAND, 'echo "$SEEN"; pwd'),
    )

    assert end.output.split() == [
        *("hello", "variable", "exported", str(drive.workspace / "source/below"))
    ]


def test_a_driver_that_waits_for_files_begins_when_it_is_told(drive: Drive) -> None:
    texts = (INIT, "cat ../late"), (COMMAND, "true")
    with drive.start(*texts, waits="files") as process:
        (drive.workspace / "late").write_text("in time")
        out, _ = process.communicate(OPEN + OPEN, timeout=20)

    assert ended(out, process.returncode).output == "in time"


def test_without_anybody_to_bring_the_files_nothing_runs(drive: Drive) -> None:
    with drive.start((INIT, "echo never"), (COMMAND, "true"), waits="files") as process:
        out, _ = process.communicate(b"", timeout=20)

    assert ended(out, process.returncode) == Ended("", [], 130)


@pytest.mark.parametrize("text", ["false", "exit 3", "set -e\nfalse\necho no", "if"])
def test_a_text_that_fails_skips_the_rest(drive: Drive, text: str) -> None:
    end = drive((INIT, text), (INIT, "echo never"), (COMMAND, "echo never"), STATE)

    assert end.code != 0
    assert "never" not in end.output
    assert end.output.endswith("failed\n")
    assert end.marks == [Mark.INITIALIZING]


def test_a_failed_command_skips_what_follows_success(drive: Drive) -> None:
    end = drive((COMMAND, "exit 42"), (AFTER, "echo never"), STATE)

    assert (end.output, end.code) == ("failed\n", 42)


def test_a_failed_hook_after_the_command_fails_the_run(drive: Drive) -> None:
    end = drive((COMMAND, "true"), (AFTER, "exit 5"), STATE)

    assert (end.output, end.code) == ("failed\n", 5)


def test_hooks_of_the_end_cannot_change_the_exit_code(drive: Drive) -> None:
    end = drive((COMMAND, "exit 4"), (AFTER_RUN, "exit 9"), (AFTER_RUN, "echo too"))

    assert (end.output, end.code) == ("too\n", 4)


def test_a_script_that_ends_the_shell_early_does_not_pass_for_success(
    drive: Drive,
) -> None:
    end = drive((INIT, "exit 0"), (COMMAND, "echo never"), STATE)

    assert end.code == 1
    assert "ended the shell before the command ran" in end.output
    assert end.output.endswith("failed\n")


def test_texts_cannot_hide_the_marks_or_disturb_the_arguments(drive: Drive) -> None:
    end = drive(
        (INIT, "set -- a b c; exec >/dev/null; IFS=:; set -eu"),
        (INIT, 'echo "$#"; trap - INT EXIT'),
        (COMMAND, 'echo "$#"'),
    )

    assert end.marks == [Mark.INITIALIZING, Mark.GATE, Mark.PERFORMING, Mark.ENDED]
    assert end.code == 0


def test_nothing_but_the_driver_can_read_what_opens_the_gate(drive: Drive) -> None:
    end = drive((INIT, "cat"), (COMMAND, "cat; echo done"))

    assert (end.output, end.code) == ("done\n", 0)


def test_without_anybody_to_open_the_gate_the_run_is_stopped(drive: Drive) -> None:
    end = drive((COMMAND, "echo never"), STATE, gate=False)

    assert (end.output, end.code) == ("stopped\n", 130)


def test_the_command_is_one_argument_however_it_is_written(drive: Drive) -> None:
    end = drive((COMMAND, "echo \"a  b\" '$HOME' '*'; echo \\\\ # a remark"))

    assert end.output == "a  b $HOME *\n\\\n"


def test_standard_error_and_output_are_one_stream(drive: Drive) -> None:
    end = drive((COMMAND, "echo out; echo err >&2; echo out again"))

    assert end.output == "out\nerr\nout again\n"


def test_an_interrupt_while_initializing_stops_the_run(drive: Drive) -> None:
    end = drive.interrupted(
        (INIT, f"{BUSY}; echo went on"),
        (COMMAND, "echo never"),
        STATE,
        after=b"busy",
        gate=True,
    )

    assert (end.output, end.code) == ("busy\nstopped\n", 130)


def test_an_interrupt_at_the_gate_stops_the_run(drive: Drive) -> None:
    end = drive.interrupted(
        (COMMAND, "echo never"), STATE, after=mark(NONCE, Mark.GATE), gate=False
    )

    assert (end.output, end.code) == ("stopped\n", 130)


def test_an_interrupted_command_may_clean_up_and_keeps_its_code(drive: Drive) -> None:
    clean_up = "echo released; kill $! 2>/dev/null; exit 6"

    end = drive.interrupted(
        (COMMAND, f"trap '{clean_up}' INT; sleep 60 & echo busy; wait"),
        (AFTER, "echo never"),
        STATE,
        after=b"busy",
        gate=True,
    )

    assert (end.output, end.code) == ("busy\nreleased\nfailed\n", 6)


def test_a_project_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    drive = Drive(["sh"], tmp_path)

    process = drive.start((COMMAND, "echo never"), root="net/prod")
    out, _ = process.communicate(OPEN, timeout=20)

    assert b'no directory "net/prod"' in out
    assert process.returncode == 1


def test_files_that_the_source_lost_are_removed_first(drive: Drive) -> None:
    (drive.workspace / ".handrail").mkdir()
    (drive.workspace / ".handrail/removed.list").write_text("old one.tf\n-x.tf\n")
    for name in ("old one.tf", "-x.tf", "main.tf"):
        (drive.workspace / "source" / name).touch()

    end = drive((COMMAND, "ls"))

    assert end.output == "main.tf\n"
    assert not list((drive.workspace / ".handrail").iterdir())


def test_the_entrypoint_hands_each_text_over_as_one_argument() -> None:
    job = a_job("rm -rf '$x'", initializing=("terraform init",), after_run=("bye",))

    words = entrypoint(job, NONCE)

    assert words[:2] == ["/bin/sh", "-c"]
    assert words[3:] == [
        *("handrail", NONCE, "/mnt/workspace", "", "", ""),
        *("initializing", "terraform init"),
        *("command", "rm -rf '$x'"),
        *("after_run", "bye"),
    ]


def test_only_a_driver_whose_state_is_read_is_told_to_leave_its_session() -> None:
    reading = a_job("true", reading_state="terraform show -json")

    assert entrypoint(reading, NONCE)[7:9] == ["", "/run/handrail/environment"]
    assert entrypoint(a_job("true"), NONCE)[7:9] == ["", ""]


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


PIECES = st.sampled_from(
    [b"", b"x", b"\n", b"\x1e", b"\x1ehandrail", b"\x1ehandrail 4f1d ", b"gate\x1f"]
    + [mark(NONCE, word) + b"\n" for word in Mark]
    + [mark("other", Mark.GATE) + b"\n", mark(NONCE, Mark.GATE)[:-1]]
)


def together(items: list[bytes | Mark]) -> list[bytes | Mark]:
    joined: list[bytes | Mark] = []
    for item in items:
        if joined and isinstance(item, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += item
        else:
            joined.append(item)
    return [item for item in joined if item != b""]


def split(stream: bytes, size: int) -> list[bytes | Mark]:
    marks, found = Marks(NONCE), list[bytes | Mark]()
    for at in range(0, len(stream), size):
        found.extend(marks.feed(stream[at : at + size]))
    return together([*found, marks.flush()])


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(1, 40))
def test_marks_do_not_depend_on_how_the_stream_is_cut(stream: bytes, size: int) -> None:
    assert split(stream, size) == split(stream, len(stream) + 1)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_output_around_a_mark_stays_as_it_was(before: bytes, after: bytes) -> None:
    stream = before + mark(NONCE, Mark.GATE) + b"\n" + after

    assert split(stream, 7) == together([before, Mark.GATE, after])


def test_a_mark_counts_before_its_newline_has_come() -> None:
    marks = Marks(NONCE)

    assert list(marks.feed(mark(NONCE, Mark.GATE))) == [Mark.GATE]
    assert list(marks.feed(b"\nnext")) == [b"next"]


def test_a_mark_of_another_run_is_output() -> None:
    other = mark("other", Mark.GATE) + b"\n"

    assert split(other, 100) == [other]
