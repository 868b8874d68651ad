"""The way in and out: the token's check, Socket Mode, signed HTTP."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import new as hmac
from typing import cast

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.control.form import Form
from bot.control.home import Home
from bot.control.notices import Notices
from bot.control.reply import Reply, Uttered
from bot.control.submit import Answer, Noted, Repeated, Slash, Submit
from bot.domain.people import TeamId
from bot.domain.words import Lock, Stop, Word
from bot.sandbox.faults import BadGateway, Drop, Refuse
from bot.slack.connection import (
    SCOPES,
    SlackUnavailable,
    introduce,
    knock,
    signed_http,
    slack_app,
    slack_client,
    socket_mode,
)
from bot.slack.hearing import Doors, Hearing
from bot.slack.listeners import Commands
from tests.contract.slack.conftest import Town


def test_a_call_is_never_sent_twice_by_the_client() -> None:
    assert slack_client("xoxb-1", "http://localhost/api/").retry_handlers == []


async def test_a_good_token_tells_its_scopes(town: Town) -> None:
    assert await introduce(town.client, town.team) == SCOPES


async def test_a_wrong_token_is_said_to_be_wrong(town: Town) -> None:
    stranger = slack_client("xoxb-wrong", town.sandbox.api_url)

    with pytest.raises(SlackUnavailable) as caught:
        await introduce(stranger, town.team)

    assert "does not take SLACK_BOT_TOKEN (invalid_auth)" in str(caught.value)
    assert "xoxb-wrong" not in str(caught.value)


async def test_a_token_of_another_workspace_is_refused(town: Town) -> None:
    with pytest.raises(SlackUnavailable, match="of workspace T0SANDBOX, but"):
        await introduce(town.client, TeamId("T0OTHER"))


async def test_where_nobody_listens_the_address_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/"

    with pytest.raises(SlackUnavailable) as caught:
        await introduce(slack_client("xoxb-1", url), TeamId("T1"))

    assert f"does not answer at {url}" in str(caught.value)
    assert "SLACK_API_URL" in str(caught.value)


async def test_a_proxys_page_is_not_taken_for_slack(town: Town) -> None:
    town.sandbox.faults.add("auth.test", BadGateway())
    with pytest.raises(SlackUnavailable, match="an answer that is not Slack's"):
        await introduce(town.client, town.team)

    town.sandbox.faults.add("auth.test", Drop())
    with pytest.raises(SlackUnavailable, match="does not answer"):
        await introduce(town.client, town.team)


async def test_an_app_token_is_tried_without_opening_a_socket(town: Town) -> None:
    await knock(town.client, town.sandbox.app_token)

    assert town.sandbox.connected() == 0


@pytest.mark.parametrize("token", ["xapp-wrong", ""], ids=["wrong", "none"])
async def test_a_bad_app_token_says_where_to_make_one(town: Town, token: str) -> None:
    with pytest.raises(SlackUnavailable, match="scope connections:write"):
        await knock(town.client, token or town.sandbox.bot_token)


async def test_a_slack_that_hangs_up_on_the_app_token_is_said_to_be_away(
    town: Town,
) -> None:
    town.sandbox.faults.add("apps.connections.open", Drop())

    with pytest.raises(SlackUnavailable, match="does not answer"):
        await knock(town.client, town.sandbox.app_token)


@dataclass
class Ears:
    """What stands behind the listeners, and keeps what they hear."""

    commands: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    looks: int = 0
    passing: list[Uttered] = field(default_factory=list)

    async def __call__(self, slash: Slash, noted: Noted) -> Answer:
        self.commands.append(slash.text)
        return Repeated()

    async def deploy(self, slash: Slash, noted: Noted) -> Answer:
        return await self(slash, noted)

    async def reply(self, uttered: Uttered) -> bool:
        self.words.append(uttered.word)
        return True

    def app(self, town: Town, signing_secret: str | None = None) -> AsyncApp:
        return slack_app(
            town.client,
            signing_secret=signing_secret,
            commands=Commands(task="/task", deploy="/deploy"),
            hearing=Hearing(
                submit=cast("Submit", self),
                reply=cast("Reply", self.reply),
                notices=cast("Notices", None),
                form=cast("Form", None),
                home=cast("Home", None),
                doors=Doors(),
                look=self.look,
                let_pass=self.let_pass,
            ),
        )

    def look(self) -> None:
        self.looks += 1

    async def let_pass(self, uttered: Uttered) -> None:
        self.passing.append(uttered)


async def test_two_sockets_listen_until_the_end(town: Town) -> None:
    ears = Ears()
    async with socket_mode(ears.app(town), town.sandbox.app_token, look=ears.look):
        await town.sandbox.wait_for(lambda: town.sandbox.connected() == 2)

    await town.sandbox.wait_for(lambda: town.sandbox.connected() == 0)


async def test_a_bad_app_token_ends_the_start(town: Town) -> None:
    town.sandbox.faults.add("apps.connections.open", Refuse("invalid_auth"))

    ears = Ears()

    with pytest.raises(SlackUnavailable, match=r"SLACK_APP_TOKEN \(invalid_auth\)"):
        async with socket_mode(ears.app(town), town.sandbox.app_token, look=ears.look):
            pytest.fail("it listens")


async def test_a_refresh_of_the_sockets_loses_nothing(town: Town) -> None:
    heard = Ears()
    root = await town.sandbox.say("root", by=town.bob, channel=town.infra)
    async with socket_mode(heard.app(town), town.sandbox.app_token, look=heard.look):
        await town.sandbox.wait_for(lambda: town.sandbox.connected() == 2)

        refreshing = town.sandbox.disconnect("refresh_requested")
        for number in range(20):
            await town.sandbox.say(
                f"lock: {number}", by=town.ann, channel=town.infra, thread_ts=root
            )
        await refreshing
        await town.sandbox.wait_for(lambda: town.sandbox.connected() == 2)
        await until(town, lambda: reasons(heard) == set(map(str, range(20))))
        answer = await town.sandbox.slash("/task a b", by=town.ann, channel=town.infra)

    assert answer.ok
    assert heard.commands == ["a b"]


def reasons(heard: Ears) -> set[str]:
    return {word.reason for word in heard.words if isinstance(word, Lock)}


async def until(town: Town, condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds, looking whenever something was delivered."""
    await town.sandbox.wait_for(condition)


async def test_words_are_looked_for_at_the_start_and_after_a_reconnect(
    town: Town,
) -> None:
    ears = Ears()
    async with socket_mode(ears.app(town), town.sandbox.app_token, look=ears.look):
        at_the_start = ears.looks
        await town.sandbox.disconnect(None)
        await until(town, lambda: town.sandbox.connected() == 2)
        await until(town, lambda: ears.looks > at_the_start)

    assert at_the_start == 1


async def test_words_are_looked_for_while_no_socket_is_open(town: Town) -> None:
    ears, token = Ears(), town.sandbox.app_token
    async with socket_mode(ears.app(town), token, look=ears.look, while_down=0.05):
        town.sandbox.faults.add("apps.connections.open", BadGateway(), times=1_000)
        await town.sandbox.disconnect(None)
        before = ears.looks

        await until(town, lambda: ears.looks > before + 1)

        assert town.sandbox.connected() == 0
        town.sandbox.faults.clear()


async def test_while_one_socket_is_open_nothing_is_looked_for(town: Town) -> None:
    ears, token = Ears(), town.sandbox.app_token
    async with socket_mode(ears.app(town), token, look=ears.look, while_down=0.01):
        await town.sandbox.slash("/task a b", by=town.ann, channel=town.infra)
        for _ in range(20):
            await town.client.auth_test()

        at_most = 1 + town.sandbox.connected()  # the greetings may be heard late
        assert ears.looks <= at_most


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
async def over_http(town: Town, port: int) -> AsyncIterator[Ears]:
    heard = Ears()
    app = heard.app(town, town.sandbox.signing_secret)
    async with signed_http(app, "127.0.0.1", port, look=heard.look):
        yield heard


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/slack/events"


async def test_slacks_signed_requests_are_heard(
    town: Town, over_http: Ears, port: int
) -> None:
    await town.sandbox.deliver_over_http(address(port))

    answer = await town.sandbox.slash("/task a b", by=town.ann, channel=town.infra)
    root = await town.sandbox.say("root", by=town.ann, channel=town.infra)
    await town.sandbox.say("stop", by=town.bob, channel=town.infra, thread_ts=root)

    await until(town, lambda: over_http.words == [Stop()])
    assert answer.ok
    assert over_http.commands == ["a b"]


def signature(secret: str, body: bytes, at: int) -> dict[str, str]:
    digest = hmac(secret.encode(), b"v0:%d:%b" % (at, body), sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


@pytest.mark.parametrize(
    ("secret", "age"), [("another secret", 0), ("", 0), (None, 600)]
)
async def test_a_request_that_slack_did_not_sign_just_now_is_refused(
    town: Town, over_http: Ears, port: int, secret: str | None, age: int
) -> None:
    body = b"command=%2Ftask&text=a+b&user_id=U0ANN&team_id=T0SANDBOX"
    key = town.sandbox.signing_secret if secret is None else secret
    headers = signature(key, body, int(time.time()) - age)
    if secret == "":
        headers.pop("X-Slack-Signature")

    async with (
        aiohttp.ClientSession() as session,
        session.post(address(port), data=body, headers=headers) as answer,
    ):
        status = answer.status

    assert status == 401
    assert over_http.commands == []


async def test_slacks_check_of_the_certificate_is_answered(
    over_http: Ears, port: int
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address(port), data={"ssl_check": "1"}) as answer,
    ):
        assert answer.status == 200


async def test_many_commands_at_once_are_all_acknowledged(
    town: Town, over_http: Ears, port: int
) -> None:
    await town.sandbox.deliver_over_http(address(port))

    answers = await asyncio.gather(
        *(
            town.sandbox.slash(f"/task {number}", by=town.ann, channel=town.infra)
            for number in range(50)
        )
    )

    assert all(answer.ok for answer in answers)
    assert sorted(map(int, over_http.commands)) == list(range(50))


async def test_people_are_heard_once_a_slack_that_was_away_is_back(
    town: Town,
) -> None:
    for _ in range(3):
        town.sandbox.faults.add("apps.connections.open", BadGateway())
    ears, token = Ears(), town.sandbox.app_token

    async with socket_mode(ears.app(town), token, look=ears.look, pauses=(0.01,)):
        await town.sandbox.wait_for(lambda: town.sandbox.connected() == 2)
