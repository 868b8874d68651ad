from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, serve
from bot.sandbox.faults import BadGateway, Delay, Drop, RateLimited, Refuse
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town


@pytest.fixture
async def paced(town: Town) -> AsyncIterator[Sandbox]:
    async with serve(town.workspace) as sandbox:
        yield sandbox


async def test_a_channel_takes_a_short_burst_of_posts(
    paced: Sandbox, town: Town
) -> None:
    client = AsyncWebClient(token=paced.bot_token, base_url=paced.api_url)
    for number in range(5):
        await client.chat_postMessage(channel=town.infra, text=str(number))

    answer = await refusal(client.chat_postMessage(channel=town.infra, text="6"))
    await client.chat_postMessage(channel=town.secret, text="elsewhere")

    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert answer.headers["Retry-After"] == "1"
    assert len(paced.messages(town.infra)) == 5


async def test_a_method_has_the_calls_of_its_tier(paced: Sandbox) -> None:
    client = AsyncWebClient(token=paced.bot_token, base_url=paced.api_url)
    for _ in range(20):
        await client.users_list()

    answer = await refusal(client.users_list())

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) in {2, 3}


async def test_the_sdk_waits_as_told_and_tries_again(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    sandbox.faults.add("users.info", RateLimited(retry_after=0))

    await client.users_info(user=town.ann)

    assert [call.answer["ok"] for call in sandbox.calls] == [False, True]


async def test_the_other_form_of_rate_limiting_is_a_plain_refusal(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    sandbox.faults.add("chat.postMessage", RateLimited(as_ok=True))

    answer = await refusal(client.chat_postMessage(channel=town.infra, text="x"))

    assert (answer.status_code, answer["error"]) == (200, "rate_limited")


async def test_a_call_cut_after_it_took_effect_is_posted_twice_by_the_sdk(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    client.retry_handlers.append(AsyncConnectionErrorRetryHandler())
    sandbox.faults.add("chat.postMessage", Drop(after=True))

    await client.chat_postMessage(channel=town.infra, text="once?")

    assert [m["text"] for m in sandbox.messages(town.infra)] == ["once?"] * 2


async def test_a_call_cut_before_it_took_effect_leaves_nothing(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    sandbox.faults.add("chat.postMessage", Drop())

    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=town.infra, text="lost")

    assert sandbox.messages(town.infra) == []


async def test_a_bad_gateway_answers_html(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    sandbox.faults.add("chat.postMessage", BadGateway(), times=2)
    sandbox.faults.add("chat.update", Refuse("internal_error"))
    sandbox.faults.add("users.info", Delay(0.01))

    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=town.infra, text="x")
        assert caught.value.response.status_code == 502
    posted = await client.chat_postMessage(channel=town.infra, text="x")
    refused = client.chat_update(channel=town.infra, ts=posted["ts"], text="y")
    assert await error_of(refused) == "internal_error"
    assert (await client.users_info(user=town.ann))["ok"]
