"""A run gets credentials that only it has, and shows none of them to anybody."""

import os
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from bot.app import handrail
from bot.domain.run import Reason, RunState
from bot.domain.stack import AwsRole, OidcIssuer, OidcToken, Stack
from bot.settings import Address
from tests.support.aws import ACCOUNT, REGION, Cloud, a_cloud, caller, moto_server
from tests.support.bot import Bot, a_bot
from tests.support.docker import docker_engine
from tests.support.docker_bot import a_real_stack, everything_in_slack, told

ISSUER = "https://handrail.example.com"

SHOW_ALL = """\
env | sort
echo "file: $(cat "$HANDRAIL_OIDC_TOKEN_FILE")"
[ "$(cat "$HANDRAIL_OIDC_TOKEN_FILE")" = "$HANDRAIL_OIDC_TOKEN" ] && echo "the same"
stat -c "mode: %a" "$HANDRAIL_OIDC_TOKEN_FILE"
echo "mount: $(grep " /mnt/secrets " /proc/mounts)"
{ cut -d. -f2 "$HANDRAIL_OIDC_TOKEN_FILE"; echo ===; } | tr -d '\\n' | tr _- /+ |
    base64 -d 2>/dev/null; true
"""


@pytest.fixture(scope="module")
def aws_server() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
async def cloud(
    aws_server: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cloud]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    async with a_cloud(aws_server) as cloud:
        keys = await cloud.add_user()
        for name, value in cloud.environment(keys).items():
            monkeypatch.setenv(name, value)
        yield cloud


@asynccontextmanager
async def an_issuing_bot(tmp_path: Path, stack: Stack) -> AsyncIterator[Bot]:
    """Run a bot that signs tokens, on the real engine."""
    installation = f"e2e-{uuid4().hex[:8]}"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "installation").write_text(installation)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    async with (
        docker_engine(installation) as engine,
        a_bot(tmp_path, engine, stack) as bot,
    ):
        bot.settings = bot.settings.model_copy(
            update={"http": Address(host="127.0.0.1", port=port)}
        )
        catalog = replace(bot.catalog, oidc=OidcIssuer(issuer=ISSUER))
        async with handrail(
            bot.settings, catalog, engine, bot.environ, bot.budget
        ) as bot.handrail:
            yield bot


def a_stack_with_both(role_arn: str) -> Stack:
    return a_real_stack(
        aws=AwsRole(role_arn=role_arn, region=REGION),
        oidc=OidcToken(audiences=("sts.amazonaws.com",)),
    )


def keys_in(answer: str) -> dict[str, str]:
    """Return the credentials that AWS gave away."""
    names = {
        "AWS_ACCESS_KEY_ID": "AccessKeyId",
        "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
        "AWS_SESSION_TOKEN": "SessionToken",
    }
    found = {
        name: re.search(f"<{tag}>(.*)</{tag}>", answer) for name, tag in names.items()
    }
    return {name: match[1] for name, match in found.items() if match}


async def test_a_run_has_its_credentials_and_shows_none(
    tmp_path: Path, cloud: Cloud
) -> None:
    role = await cloud.add_role("deploy")

    async with an_issuing_bot(tmp_path, a_stack_with_both(role)) as bot:
        seen = await told(bot, SHOW_ALL)
        keys = keys_in(cloud.answered[-1])
        trail = await caller(cloud, keys)
        slack = everything_in_slack(bot)

    shown = seen.output.decode().splitlines()
    assert seen.run.state is RunState.FINISHED
    assert trail == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-{seen.run.id}"
    for name in (*keys, "HANDRAIL_OIDC_TOKEN"):
        assert f"{name}=*****" in shown
    assert {f"AWS_REGION={REGION}", "file: *****", "the same"} <= {*shown}
    assert len(keys) == 3
    assert not [name for name, value in keys.items() if value in slack]
    assert not [value for value in keys.values() if value.encode() in seen.output]
    assert not re.search(r"eyJ\w+\.", slack)


async def test_a_token_is_in_memory_and_says_which_run_it_is(
    tmp_path: Path, cloud: Cloud
) -> None:
    role = await cloud.add_role("deploy")

    async with an_issuing_bot(tmp_path, a_stack_with_both(role)) as bot:
        seen = await told(bot, SHOW_ALL)

    shown = seen.output.decode()
    assert "mount: tmpfs /mnt/secrets tmpfs" in shown
    assert "mode: 400" in shown
    assert f'"run_id":"{seen.run.id}"' in shown
    assert f'"iss":"{ISSUER}"' in shown


async def test_nothing_on_the_disk_has_a_credential(
    tmp_path: Path, cloud: Cloud
) -> None:
    role = await cloud.add_role("deploy")

    async with an_issuing_bot(tmp_path, a_stack_with_both(role)) as bot:
        await told(bot, SHOW_ALL)
        keys = keys_in(cloud.answered[-1])
        kept = {path: path.read_bytes() for path in files_in(bot.settings.data_dir)}

    assert any(path.name == "handrail.db" for path in kept)
    for value in keys.values():
        assert not [path for path, text in kept.items() if value.encode() in text]
    assert not [path for path, text in kept.items() if re.search(rb"eyJ\w+\.", text)]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_bot_serves_the_keys_also_when_slack_comes_through_a_socket(
    tmp_path: Path, cloud: Cloud
) -> None:
    async with an_issuing_bot(tmp_path, a_real_stack()) as bot:
        http = bot.settings.http
        base = f"http://{http.host}:{http.port}/.well-known"
        found = await fetched(f"{base}/openid-configuration")
        key_set = await fetched(f"{base}/jwks.json")

    assert found["issuer"] == ISSUER
    assert found["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
    assert [key["kty"] for key in key_set["keys"]] == ["RSA"]


async def fetched(url: str) -> Any:
    async with ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_a_role_that_aws_refuses_fails_the_run_with_awss_words(
    tmp_path: Path, cloud: Cloud
) -> None:
    role = await cloud.add_role("deploy", trusts="somebody")

    async with an_issuing_bot(tmp_path, a_stack_with_both(role)) as bot:
        seen = await told(bot, "echo never")

    assert (seen.run.state, seen.run.reason) == (RunState.FAILED, Reason.CREDENTIALS)
    assert "is not authorized to perform: sts:AssumeRole" in seen.final
    assert "Let the role's trust policy allow the bot" in seen.final
    assert not seen.output
