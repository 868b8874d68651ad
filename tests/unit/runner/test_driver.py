from pathlib import Path

import pytest

from runner.driver import DRIVER, OPEN, Mark, entrypoint, mark
from tests.support.runs import a_job
from tests.unit.runner.drive import (
    AFTER,
    AFTER_RUN,
    BEFORE,
    COMMAND,
    INIT,
    NONCE,
    Drive,
    Ended,
    ended,
)

#: A child that dies of SIGINT whenever it comes once "busy" is printed.
BUSY = "sh -c 'echo busy; exec sleep 60'"

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
        *("handrail", "/mnt/handrail", DRIVER, NONCE, "/mnt/workspace", "", "", ""),
        *("initializing", "terraform init"),
        *("command", "rm -rf '$x'"),
        *("after_run", "bye"),
    ]


def test_only_a_driver_whose_state_is_read_is_told_to_leave_its_session() -> None:
    reading = a_job("true", reading_state="terraform show -json")

    assert entrypoint(reading, NONCE)[9:11] == ["", "/run/handrail/environment"]
    assert entrypoint(a_job("true"), NONCE)[9:11] == ["", ""]
