"""The state lock that a tool ran into, out of what it printed."""

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.state_lock import StateLock, force_unlock_command, state_lock_in

#: As Terraform 1.11 prints it where its output is no terminal.
PRINTED = """\
terraform_data.a: Refreshing state... [id=1]
\u2577
\u2502 Error: Error acquiring the state lock
\u2502\x20
\u2502 Error message: resource temporarily unavailable
\u2502 Lock Info:
\u2502   ID:        23bf6bc1-2f8b-ba5a-4b4a-0a7e7e0cb8cf
\u2502   Path:      terraform.tfstate
\u2502   Operation: OperationTypeApply
\u2502   Who:       root@6a6c2b0a3c5d
\u2502   Version:   1.11.4
\u2502   Created:   2026-11-22 08:55:12.123456789 +0000 UTC
\u2502   Info:      \x20
\u2502\x20
\u2502\x20
\u2502 Terraform acquires a state lock to protect the state from being written
\u2502 by multiple users at the same time.
\u2575
"""
LOCK = StateLock(
    id="23bf6bc1-2f8b-ba5a-4b4a-0a7e7e0cb8cf",
    path="terraform.tfstate",
    operation="OperationTypeApply",
    who="root@6a6c2b0a3c5d",
    created="2026-11-22 08:55:12.123456789 +0000 UTC",
)


def printed(lock_id: str) -> bytes:
    return PRINTED.replace(LOCK.id, lock_id).encode()


def test_the_lock_is_read_as_terraform_printed_it() -> None:
    assert state_lock_in(PRINTED.encode()) == LOCK


@pytest.mark.parametrize(
    "written",
    [
        PRINTED.replace("\u2502 ", "").replace("\u2502", ""),
        PRINTED.replace("\u2502", "|"),
        PRINTED.replace("\n", "\r\n"),
        PRINTED.replace("\u2502", "\x1b[31m\u2502\x1b[0m\x1b[0m"),
        PRINTED.replace("Error: ", "\x1b[1m\x1b[31mError: \x1b[0m\x1b[1m"),
        PRINTED.replace("Error: ", "Error locking state: "),
        PRINTED.replace("Terraform acquires", "OpenTofu acquires"),
    ],
)
def test_neither_borders_nor_colours_nor_line_ends_hide_it(written: str) -> None:
    assert state_lock_in(written.encode()) == LOCK


@pytest.mark.parametrize("lock_id", ["1668450876543210", "acme/net-prod", "a'b$(c)"])
def test_the_id_of_any_backend_is_read_and_quoted_for_the_shell(lock_id: str) -> None:
    found = state_lock_in(printed(lock_id))

    assert found is not None
    command = force_unlock_command(found, "terraform -chdir=live")
    assert shlex.split(command) == [
        *("terraform", "-chdir=live", "force-unlock", "-force", lock_id)
    ]


@pytest.mark.parametrize(
    "lock_id", ["", "*****", "23bf*****cf", "-force", "a b", "\u0430"]
)
def test_an_id_that_is_masked_or_no_id_is_no_lock_to_be_forced(lock_id: str) -> None:
    assert state_lock_in(printed(lock_id)) is None


def test_other_fields_may_be_masked_or_missing() -> None:
    lines = PRINTED.replace("root@6a6c2b0a3c5d", "*****").splitlines(keepends=True)
    without = "".join(line for line in lines if "Created" not in line)

    found = state_lock_in(without.encode())

    assert found == StateLock(
        id=LOCK.id, path=LOCK.path, operation=LOCK.operation, who="*****"
    )


def test_of_several_the_last_one_counts() -> None:
    found = state_lock_in(printed("first") + printed("second"))

    assert found == replace(LOCK, id="second")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Lock Info:\n  ID:        1\n",
        "Error: Error acquiring the state lock\n\nError message: no such bucket\n",
        "Error: Error acquiring the state lock\nLock Info:\n",
        "Error: Error acquiring the state lock\nLock Info:\n  Who: x\n",
    ],
)
def test_what_is_no_whole_report_of_a_lock_is_none(output: str) -> None:
    assert state_lock_in(output.encode()) is None


def test_a_field_is_short_and_printable_whatever_was_printed() -> None:
    found = state_lock_in(PRINTED.replace("root@", "\x07" + "r" * 9999).encode())

    assert found is not None
    assert found.who == "r" * 200


@given(st.binary(max_size=200))
def test_any_output_is_read_to_its_end(output: bytes) -> None:
    state_lock_in(b"Error acquiring the state lock\nLock Info:\n" + output)
