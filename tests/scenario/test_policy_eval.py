"""`handrail policy eval` knows people as the bot does: by asking Slack."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.commands import app
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot
from tests.support.opa import opa_binary

POLICIES = Path(__file__).parents[1] / "policies"
CONFIG = """\
version: 1
workspace: {team}
admins: [{ada}]
stacks:
  net-prod:
    channel: {channel}
    image: alpine
    writers: ["@platform"]
    approvals: {{count: 1, from: ["@security"]}}
    presets:
      restart: {{command: ./restart.sh, runners: ["@security"], approvals: none}}
"""


async def explained(
    bot: Bot, folder: Path, who: str, command: str, *, config: str = CONFIG
) -> Result:
    """Run `handrail policy eval` as the bot is configured, beside its workspace."""
    groups = bot.sandbox.workspace
    groups.add_group("platform", members=[bot.people["ann"]])
    groups.add_group("security", members=[bot.people["ann"], bot.people["rita"]])
    path = folder / "handrail.yaml"
    named = {"team": groups.team, "channel": bot.channel, "ada": bot.people["ada"]}
    path.write_text(config.format(**named))
    options = ("--stack", "net-prod", "--as", bot.people.get(who, who))
    return await asyncio.to_thread(
        CliRunner().invoke,
        app,
        ("policy", "eval", *options, "--", command),
        env={**bot.environ, "HANDRAIL_CONFIG": str(path)},
    )


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("ann", "as ann (U0ANN): writer\n"),
        ("ada", "as ada (U0ADA): admin\n"),
        ("rita", "as rita (U0RITA): reader\n"),
    ],
)
async def test_people_are_as_slack_says(tmp_path: Path, who: str, told: str) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        done = await explained(bot, tmp_path, who, "terraform apply")

    assert told in done.stdout
    assert "approvals: 1 of @security has to agree; nobody has." in done.stdout
    assert ("writers: Commands" in done.stdout) == (who == "rita")


async def test_user_groups_are_those_that_slack_knows(tmp_path: Path) -> None:
    policy = POLICIES / "deny-all" / "policy.rego"
    more = f"    policies: [{policy}]\n"
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        bot.environ["HANDRAIL_OPA"] = str(opa_binary())
        done = await explained(bot, tmp_path, "ann", "true", config=CONFIG + more)

    assert "as ann (U0ANN): writer, @platform, @security\n" in done.stdout
    assert f"no    {policy}: No commands run on this stack" in done.stdout


async def test_who_may_do_nothing_is_refused(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        done = await explained(bot, tmp_path, "eve", "terraform apply")

    assert done.exit_code == 1
    assert "Guests cannot use Handrail" in str(done.exception)


async def test_who_may_run_a_preset_is_told_so(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        done = await explained(bot, tmp_path, "rita", "!restart")

    assert done.stdout.startswith("./restart.sh on net-prod\n")
    assert done.stdout.endswith("It would run; nobody has to agree.\n")


async def test_a_key_that_there_is_not_is_refused(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        done = await explained(bot, tmp_path, "api::ci", "terraform apply")

    assert done.exit_code == 1
    assert "The API key ci was revoked or has expired" in str(done.exception)
