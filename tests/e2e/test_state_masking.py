"""What is sensitive in a real Terraform state is not seen, though nobody gave it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.catalog.state_reading import reading
from bot.domain.run import RunState
from bot.domain.stack import Hooks, Stack
from runner.job import DirectorySource
from tests.e2e.test_masked_forms import SECRET, readable, terraform_image
from tests.support.bot import Bot
from tests.support.docker_bot import (
    a_docker_bot,
    a_real_stack,
    everything_in_slack,
    told,
)

TOKEN = sha256(SECRET.encode()).hexdigest()
PIN = "83749261"
MAIN = """
variable "secret" {
  type      = string
  sensitive = true
  default   = ""
}

resource "terraform_data" "database" {
  input = {
    user = "ann-smith", password = var.secret
    tokens = [{ name = "first-token", value = sha256(var.secret) }]
    pin = sensitive(83749261)
  }
}

output "login" {
  value     = { user = "bob-jones", password = var.secret }
  sensitive = true
}

output "network" {
  value = "10.20.30.0/24"
}
"""

#: What is made this way is known to the state, and to nobody who masks.
APPLY = 'TF_VAR_secret="$(cat secret)" terraform apply -auto-approve > /dev/null'
INIT = f"terraform init -input=false > /dev/null && {APPLY}"

#: Each prints what is in the state in its own way.
WAYS = {
    "state pull": "terraform state pull",
    "state show": "terraform state show terraform_data.database",
    "show": "terraform show",
    "show -json": "terraform show -json",
    "output": "terraform output login",
    "output -json": "terraform output -json",
    "base64": "terraform output -json login | base64",
    "file": "cat $(find . -name terraform.tfstate -size +0)",
}

UNREADABLE = "The sensitive values of the state could not be read"


def a_terraform_stack(tmp_path: Path, init: str = INIT, **changes: Any) -> Stack:
    """Return a stack whose state is made by *init*, in the directory live."""
    tree = tmp_path / "source"
    (tree / "live").mkdir(parents=True)
    (tree / "live" / "main.tf").write_text(MAIN)
    (tree / "live" / "secret").write_text(SECRET)
    given = {
        "image": terraform_image(),
        "source": DirectorySource(directory=tree),
        "project_root": "live",
        "init": init,
        "reading_state": reading(init, None),
    }
    return a_real_stack(**given | changes)


async def seen_of(
    bot: Bot, ways: dict[str, str] = WAYS, before: str = ":"
) -> dict[str, bytes]:
    """Return what people see of each of *ways*, run one after the other."""
    steps = (f"echo; echo '== {name}'; {way}" for name, way in ways.items())
    seen = await told(bot, "; ".join([before, *steps]))
    assert seen.run.state is RunState.FINISHED, seen
    sections = (part.partition(b"\n") for part in seen.output.split(b"\n== ")[1:])
    return {name.decode(): text for name, _, text in sections}


def leaks(output: bytes) -> list[str]:
    """Return what of the state's secrets can be read in *output*."""
    others = [each for each in (TOKEN, PIN) if each.encode() in output]
    return [*readable(output), *others]


async def test_no_command_shows_what_the_state_marks_as_sensitive(
    tmp_path: Path,
) -> None:
    async with a_docker_bot(tmp_path, a_terraform_stack(tmp_path)) as bot:
        seen = await seen_of(bot)

        assert list(seen) == list(WAYS)
        assert {name: leaks(text) for name, text in seen.items() if leaks(text)} == {}
        assert b"10.20.30.0/24" in seen["show -json"]
        assert b"ann-smith" in seen["state show"]
        assert b"bob-jones" not in seen["output"]  # marked with all else in it
        assert UNREADABLE not in everything_in_slack(bot)
        assert not leaks(everything_in_slack(bot).encode())


async def test_where_the_state_is_not_read_it_is_not_masked(tmp_path: Path) -> None:
    stack = a_terraform_stack(tmp_path, reading_state="")
    async with a_docker_bot(tmp_path, stack) as bot:
        seen = await seen_of(bot)

        assert set(leaks(seen["state pull"])) >= {TOKEN, PIN}
        assert UNREADABLE not in everything_in_slack(bot)


IN_A_WORKSPACE = f"""
terraform init -input=false > /dev/null && terraform workspace new live > /dev/null &&
{APPLY} && terraform workspace select default > /dev/null
"""
ELSEWHERE = {
    "TF_WORKSPACE of a hook": {
        "init": IN_A_WORKSPACE,
        "hooks": Hooks(after_init=("export TF_WORKSPACE=live",)),
    },
    "-chdir": {
        "init": "terraform -chdir=live init > /dev/null && "
        + APPLY.replace("cat ", "cat live/").replace("apply", "-chdir=live apply"),
        "project_root": "",
    },
    "cd": {"init": f"cd live; {INIT}", "project_root": ""},
}


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_the_state_is_read_where_the_session_has_gone(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    stack = a_terraform_stack(tmp_path, **changes)
    async with a_docker_bot(tmp_path, stack) as bot:
        ways = {"read": stack.reading_state, "file": "cat $(find . -name '*.tfstate')"}

        seen = await seen_of(bot, ways)

        assert b"*****" in seen["file"]
        assert [leaks(text) for text in seen.values()] == [[], []]


@asynccontextmanager
async def a_bot_with_a_terraform(tmp_path: Path, script: str) -> AsyncIterator[Bot]:
    """Run the bot with a stack whose terraform is the shell text *script*."""
    program = tmp_path / "source" / "bin" / "terraform"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    stack = a_real_stack(
        source=DirectorySource(directory=tmp_path / "source"),
        init='export PATH="$PWD/bin:$PATH"; echo made ready',
        reading_state="terraform show -json",
    )
    async with a_docker_bot(tmp_path, stack) as bot:
        yield bot


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("sleep 4321 & sleep 4321", "reading took more than 20 seconds or 16 MiB"),
        ("yes 54321", "reading took more than 20 seconds or 16 MiB"),
        ("echo error >&2; exit 5", "reading ended with exit code 5"),
        ("echo hello-there", "not a state as `show -json` has it: it is not JSON"),
    ],
)
async def test_a_state_that_cannot_be_read_is_told_and_the_run_goes_on(
    tmp_path: Path, script: str, why: str
) -> None:
    async with a_bot_with_a_terraform(tmp_path, script) as bot:
        seen = await told(bot, "ps -o args | grep -c '[45]4*321'; echo performed")

        assert seen.run.state is RunState.FINISHED
        assert seen.output == b"made ready\n0\nperformed\n"
        assert why in await bot.tells(seen.ts, UNREADABLE)


async def test_nothing_of_reading_the_state_is_output(tmp_path: Path) -> None:
    script = """echo '{"format_version": "1.0"}'; echo error >&2"""
    async with a_bot_with_a_terraform(tmp_path, script) as bot:
        seen = await told(bot, "set -x; ls -A /run/handrail")

        assert seen.output == b"made ready\n+ ls -A /run/handrail\n"
        assert UNREADABLE not in everything_in_slack(bot)
