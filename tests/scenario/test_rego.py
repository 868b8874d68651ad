"""Policies in Rego, evaluated by a real OPA, from the command to the thread."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.policy import Policy
from bot.domain.run import Approval
from bot.domain.stack import StackName
from bot.settings import Settings
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack
from tests.support.opa import opa_binary

EXAMPLES = Path(__file__).parents[1] / "policies"
ENDLESS = """\
package spacelift

deny["never"] {
    x := numbers.range(1, 100000)
    y := numbers.range(1, 100000)
    x[_] * y[_] < 0
}
"""


@pytest.fixture(scope="session")
def opa() -> Path:
    return opa_binary()


@asynccontextmanager
async def a_town(tmp_path: Path, opa: Path, *policies: Path) -> AsyncIterator[Bot]:
    """Start a bot with an OPA, whose stack net-prod has these policies."""
    attached = tuple(Policy(name=it.parent.name, path=it) for it in policies)
    stacks = (a_stack(policies=attached), a_stack("free"))
    async with a_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        people, groups = bot.people, bot.sandbox.workspace.add_group
        groups("devops", members=[people["bob"]])
        groups("security", members=[people["ada"]])
        bot.environ["HANDRAIL_OPA"] = str(opa)
        bot.settings = Settings.read(bot.environ)
        async with bot.start() as bot.handrail:
            yield bot


def example(name: str) -> Path:
    return EXAMPLES / name / "policy.rego"


async def test_a_policy_of_old_syntax_refuses_what_it_denies_and_lets_through_the_rest(
    tmp_path: Path, opa: Path
) -> None:
    async with a_town(tmp_path, opa, example("taint-and-untaint")) as bot:
        await bot.slash("net-prod rm -rf /")
        await bot.sandbox.wait_for(lambda: bot.sandbox.ephemerals(bot.people["ann"]))

        ts = await bot.task("net-prod terraform taint a.b")

        await bot.tells(ts, "finished")
        assert len(bot.roots()) == 1


async def test_two_teams_have_to_agree_each_by_one_of_its_own(
    tmp_path: Path, opa: Path
) -> None:
    town = a_town(tmp_path, opa, example("director-or-devops-and-security"))
    async with town as bot:
        ts = await bot.task("net-prod apply", by="ann")
        await bot.tells(ts, "It waits for approval")
        await bot.reply("approve", to=ts, by="bob")
        await bot.tells(ts, "approved this run")
        assert (await bot.run(1)).approval is Approval.PENDING

        await bot.reply("approve", to=ts, by="ada")

        await bot.tells(ts, "finished")


async def test_a_policy_that_never_ends_refuses_while_others_go_on(
    tmp_path: Path, opa: Path
) -> None:
    endless = tmp_path / "endless" / "policy.rego"
    endless.parent.mkdir()
    endless.write_text(ENDLESS)
    async with a_town(tmp_path, opa, endless) as bot:
        await bot.slash("net-prod apply")

        other = await bot.task("free ls")
        await bot.tells(other, "finished")

        assert bot.sandbox.ephemerals(bot.people["ann"]) == []
        await bot.sandbox.wait_for(lambda: bot.sandbox.ephemerals(bot.people["ann"]))
        await bot.whispers("ann", "5 s")
        assert [run.stack for run in await bot.handrail.archive.last_runs(None, 9)] == [
            StackName("free")
        ]


async def test_a_policy_that_reaches_for_the_network_refuses_and_says_so(
    tmp_path: Path, opa: Path
) -> None:
    broken = tmp_path / "broken" / "policy.rego"
    broken.parent.mkdir()
    broken.write_text("package spacelift\n\napprove { http.send({}) }\n")
    async with a_town(tmp_path, opa, broken) as bot:
        await bot.slash("net-prod apply")

        await bot.sandbox.wait_for(lambda: bot.sandbox.ephemerals(bot.people["ann"]))
        await bot.whispers("ann", "http.send")
        assert bot.roots() == []
