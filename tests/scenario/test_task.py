"""A slash command in, a told thread out."""

from tests.support.bot import INIT, Bot


async def test_a_task_is_told_from_its_command_to_its_exit_code(bot: Bot) -> None:
    bot.engine.prepare(INIT, b"initialized\n")
    bot.engine.prepare("terraform plan", b"no changes\n")

    ts = await bot.task("net-prod terraform plan")
    final = await bot.tells(ts, "finished")

    assert "exit code 0" in final
    assert "initialized\nno changes" in final
    assert bot.told(ts)[0].startswith(f"<@{bot.people['ann']}> runs exactly this")
    assert "terraform plan" in bot.told(ts)[0]
    root = await bot.shows(ts, "finished, exit code 0")
    assert "terraform plan" in root
    assert f"by <@{bot.people['ann']}>" in root
