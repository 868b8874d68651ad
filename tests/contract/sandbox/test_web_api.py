import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town


@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize("way", ["params", "data", "json"])
async def test_arguments_count_however_they_are_sent(
    sandbox: Sandbox, town: Town, verb: str, way: str
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
    arguments = {"channel": town.infra, "text": "hello"}
    if (verb, way) == ("get", "data"):
        verb = "put"

    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(
            verb,
            f"{sandbox.api_url}chat.postMessage",
            params=arguments if way == "params" else None,
            data=arguments if way == "data" else None,
            json=arguments if way == "json" else None,
        ) as response,
    ):
        answer = await response.json()

    assert response.status == 200
    assert answer["message"]["text"] == "hello"


async def test_blocks_and_metadata_may_be_json_texts(
    sandbox: Sandbox, town: Town
) -> None:
    form = {
        "token": sandbox.bot_token,
        "channel": town.infra,
        "blocks": '[{"type": "divider"}]',
        "metadata": '{"event_type": "run", "event_payload": {"id": "1"}}',
    }

    async with aiohttp.ClientSession() as session:
        await session.post(f"{sandbox.api_url}chat.postMessage", data=form)

    message = sandbox.messages(town.infra)[0]
    assert message["blocks"][0]["type"] == "divider"
    assert message["metadata"]["event_payload"] == {"id": "1"}


async def test_an_unknown_method_is_named(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


async def test_tokens_are_checked(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stranger = AsyncWebClient(token="xoxb-other", base_url=sandbox.api_url)
    nobody = AsyncWebClient(base_url=sandbox.api_url)
    socket = AsyncWebClient(token=sandbox.app_token, base_url=sandbox.api_url)

    assert await error_of(stranger.auth_test()) == "invalid_auth"
    assert await error_of(nobody.auth_test()) == "not_authed"
    assert await error_of(socket.users_list()) == "not_allowed_token_type"
    wrong = client.apps_connections_open(app_token=sandbox.bot_token)
    assert await error_of(wrong) == "not_allowed_token_type"


async def test_a_scope_the_manifest_lacks_is_named(
    client: AsyncWebClient, town: Town
) -> None:
    answer = await refusal(client.team_info())

    assert answer["error"] == "missing_scope"
    assert answer["needed"] == "team:read"
    assert "chat:write" in answer["provided"].split(",")


async def test_the_scopes_are_in_the_headers_of_auth_test(
    client: AsyncWebClient, town: Town
) -> None:
    answer = await client.auth_test()

    assert "files:write" in answer.headers["x-oauth-scopes"].split(",")
    assert answer["user_id"] == town.workspace.bot.id
    assert answer["team_id"] == "T0SANDBOX"


async def test_the_ledger_holds_calls_without_tokens(
    sandbox: Sandbox, client: AsyncWebClient, town: Town
) -> None:
    text = f"look: {sandbox.bot_token}"
    await client.chat_postMessage(channel=town.infra, text=text)
    await client.apps_connections_open(app_token=sandbox.app_token)

    posted, opened = sandbox.calls

    assert (posted.method, posted.answer["ok"]) == ("chat.postMessage", True)
    assert posted.arguments["text"] == "look: (token)"
    assert "token" not in posted.arguments
    assert "url" not in opened.answer
