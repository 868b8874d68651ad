"""Presets in a real container: whatever a value says, it is never run."""

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.preset import Parameter, Pattern, Preset
from bot.domain.run import RunState
from tests.support.bot import Bot
from tests.support.docker_bot import a_docker_bot, a_real_stack, told_in

#: leaves a file behind wherever it is run
TOUCH = "touch /tmp/pwned"
HOSTILE = (
    f"$({TOUCH})",
    f"`{TOUCH}`",
    f"; {TOUCH} #",
    f"' ; {TOUCH} ; '",
    f'" ; {TOUCH} ; "',
    f"\n{TOUCH}\n",
    f"$({TOUCH})\n`{TOUCH}`\n\"'\"'$({TOUCH})",
    f"${{IFS}}|{TOUCH}&&{TOUCH}\\",
    f"() {{ :; }}; {TOUCH}",
    f"EOF\n{TOUCH}\nEOF",
    f"value\nexport PATH=/tmp\n. /tmp/x\n{TOUCH}",
    f"--no-init ; {TOUCH}",
    "größer 🙂 \\0 \\n %s %d",
)
#: hooks and init see the parameters too, and nothing of them is run there either
CHECK = "test ! -e /tmp/pwned || { echo PWNED; exit 9; }"
PRESETS = {
    "say": Preset(
        name="say",
        command=f'{CHECK}\nprintf %s "$PARAM_TEXT" | base64 | tr -d "\\n"',
        parameters={"text": Parameter(name="text", kind=Pattern(pattern="(?s).*"))},
    ),
    "bare": Preset(
        name="bare",
        # As somebody writes it who forgets the quotes.
        command=f"echo $PARAM_TEXT > /dev/null\n{CHECK}\necho unharmed",
        parameters={"text": Parameter(name="text", kind=Pattern(pattern="(?s).*"))},
    ),
}


def quoted(value: str) -> str:
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stack = a_real_stack(presets=PRESETS, init=f"export SEEN=yes; {CHECK}")
    async with a_docker_bot(tmp_path, stack) as bot:
        yield bot


async def test_no_value_of_a_parameter_is_ever_executed(bot: Bot) -> None:
    for value in HOSTILE:
        ts = await bot.task(f"net-prod !say text={quoted(value)}")

        seen = await told_in(bot, ts)

        assert seen.run.state is RunState.FINISHED, (value, seen.output)
        assert b64decode(seen.output).decode() == value
        assert seen.run.parameters == {"text": value}


async def test_no_value_is_executed_where_the_command_has_no_quotes(bot: Bot) -> None:
    for value in HOSTILE[:7]:
        ts = await bot.task(f"net-prod !bare text={quoted(value)}")

        seen = await told_in(bot, ts)

        assert seen.output == b"unharmed\n", value


async def test_a_value_that_no_container_can_be_given_is_refused(bot: Bot) -> None:
    await bot.slash(f"net-prod !say text={'x' * 10_000}")

    await bot.whispers("ann", "`text` has 10,000 characters")
    assert bot.roots() == []
