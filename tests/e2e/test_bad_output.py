"""Output that would break a thread: kept to the byte, shown within Slack's limits."""

import base64
from pathlib import Path

from bot.domain.run import RunState
from bot.domain.stack import FromEnv, StackFile
from tests.support.bot import Bot
from tests.support.docker import inspected, run_in
from tests.support.docker_bot import (
    a_docker_bot,
    a_real_stack,
    attached,
    everything_in_slack,
    final_of,
    markup_of,
    refused_calls,
    told,
    told_in,
)

PASSWORD = "correct-horse-battery"
WITH_PASSWORD = {"DB_PASSWORD": FromEnv(variable="NET_DB_PASSWORD")}


def preformatted(bot: Bot, ts: str) -> str:
    """Return the output that the final message shows."""
    (block,) = [b for b in final_of(bot, ts)["blocks"] if b["type"] == "rich_text"]
    (part,) = block["elements"]
    (leaf,) = part["elements"]
    assert (part["type"], leaf["type"]) == ("rich_text_preformatted", "text")
    return str(leaf["text"])


async def test_bytes_that_are_no_text_are_kept_as_they_are(tmp_path: Path) -> None:
    printed = bytes(range(256)) * 3
    octal = "".join(f"\\{byte:03o}" for byte in range(256))
    async with a_docker_bot(tmp_path) as bot:
        seen = await told(bot, f"for n in 1 2 3; do printf '{octal}'; done")

        assert seen.run.state is RunState.FINISHED
        assert seen.output == printed
        assert "\N{REPLACEMENT CHARACTER}" in preformatted(bot, seen.ts)
        assert refused_calls(bot) == []


async def test_ten_megabytes_in_one_line_are_attached_whole_and_masked(
    tmp_path: Path,
) -> None:
    command = (
        "head -c 5000000 /dev/zero | tr '\\000' x; printf %s \"$DB_PASSWORD\"; "
        "head -c 5000000 /dev/zero | tr '\\000' y"
    )
    async with a_docker_bot(tmp_path, a_real_stack(secrets=WITH_PASSWORD)) as bot:
        bot.environ["NET_DB_PASSWORD"] = PASSWORD
        seen = await told(bot, command)

        assert seen.run.state is RunState.FINISHED
        assert seen.output == b"x" * 5_000_000 + b"*****" + b"y" * 5_000_000
        assert await attached(bot, seen.ts) == seen.output
        assert "The whole output (10,000,005 bytes" in seen.final
        assert refused_calls(bot) == []


async def test_two_hundred_thousand_lines_are_shown_by_head_and_tail(
    tmp_path: Path,
) -> None:
    async with a_docker_bot(tmp_path) as bot:
        seen = await told(bot, "seq 1 200000")

        lines = preformatted(bot, seen.ts).split("\n")
        assert (lines[0], lines[-1]) == ("1", "200000")
        assert any("lines are left out here" in line for line in lines)
        assert seen.output == b"".join(b"%d\n" % n for n in range(1, 200_001))
        assert await attached(bot, seen.ts) == seen.output
        assert refused_calls(bot) == []


async def test_output_and_command_mention_nobody_and_link_nowhere(
    tmp_path: Path,
) -> None:
    async with a_docker_bot(tmp_path) as bot:
        bob = f"<@{bot.people['bob']}>"
        hostile = ["```", "<!channel>", bob, "<https://evil.example|ok>", "*a*"]
        words = " ".join(f"'{word}'" for word in hostile)
        seen = await told(bot, f"printf '%s\\n' {words}")

        assert preformatted(bot, seen.ts).split("\n") == hostile
        thread = bot.sandbox.thread(bot.channel, seen.ts)
        markup = "\n".join(markup_of(thread))
        notified = "\n".join(message["text"] for message in thread)
        assert not any(word in markup for word in hostile)
        assert not any(word in notified for word in hostile if "<" in word)
        posts = [c for c in bot.sandbox.calls if c.method == "chat.postMessage"]
        assert {call.arguments["unfurl_links"] for call in posts} == {False}


async def test_a_secret_is_nowhere_but_in_its_container(tmp_path: Path) -> None:
    key = StackFile(path="key.pem", source=FromEnv(variable="NET_KEY"))
    stack = a_real_stack(secrets=WITH_PASSWORD, files=(key,))
    command = (
        'printf %s "$DB_PASSWORD" | head -c 9; sleep 1; '
        'printf %s "$DB_PASSWORD" | tail -c +10; echo; '
        'printf %s "$DB_PASSWORD" | base64; cat key.pem; '
        "until [ -e /tmp/go ]; do sleep 0.1; done; seq 1 3000; "
        'echo "at the end $DB_PASSWORD"'
    )
    key_text = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n"
    hidden = [
        PASSWORD,
        base64.b64encode(PASSWORD.encode()).decode(),
        *key_text.split("\n")[1:3],
    ]
    async with a_docker_bot(tmp_path, stack) as bot:
        bot.environ |= {"NET_DB_PASSWORD": PASSWORD, "NET_KEY": key_text}
        ts = await bot.task(f"net-prod {command}")
        await bot.tells(ts, "*****", within=30)
        container = f"handrail-{bot.handrail.installation}-1"
        labels_and_arguments = inspected(container)
        run_in(container, ": > /tmp/go")
        seen = await told_in(bot, ts)

        assert seen.run.state is RunState.FINISHED
        assert seen.output.startswith(b"*****\n*****\n*****\n1\n2\n")
        assert (await attached(bot, ts)).endswith(b"3000\nat the end *****\n")
        slack = everything_in_slack(bot)
        disk = stored(tmp_path / "data")
        for secret in hidden:
            assert secret not in slack
            assert secret.encode() not in seen.output
            assert secret.encode() not in disk
            assert secret not in labels_and_arguments


def stored(folder: Path) -> bytes:
    """Return all that the bot keeps on disk."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert any(path.suffix == ".db" for path in files)
    return b"\0".join(path.read_bytes() for path in files)
