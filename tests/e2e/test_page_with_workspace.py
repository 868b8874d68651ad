"""The web page against the real local workspace, with an app connected to it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.e2e.block_kit import button, field, form, mrkdwn, plain
from tests.e2e.page_visit import composer, newest

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    workspace = Workspace(manifest=MANIFEST)
    people = [
        workspace.add_person("rita", real_name="Rita Reader", role_hint="reader"),
        workspace.add_person("ann", real_name="Ann Writer", role_hint="writer"),
    ]
    workspace.add_channel("infra", members=people)
    async with serve(workspace, pace=False) as serving:
        client = AsyncWebClient(token=serving.bot_token, base_url=serving.api_url)
        handler = AsyncSocketModeHandler(echoing(client), serving.app_token)
        await handler.connect_async()
        yield serving
        await handler.close_async()


def echoing(client: AsyncWebClient) -> AsyncApp:
    """Return an app that tells back all it is told."""
    app = AsyncApp(client=client)

    @app.command("/task")
    async def task(ack: AsyncAck, command: dict[str, Any], say: AsyncSay) -> None:
        await ack(f"Heard <@{command['user_id']}>")
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": mrkdwn(f"`{command['text']}`")},
            {"type": "actions", "elements": [button("Form", value="1")]},
        ]
        await say(text="a run", blocks=blocks)

    @app.action("form")
    async def open_form(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        asked: Any = form(field("reason", {"type": "plain_text_input"}))
        view = {name: part for name, part in asked["view"].items() if name != "id"}
        channel = body["channel"]["id"]
        thread = f"{channel} {body['message']['ts']}"
        view |= {"callback_id": "why", "private_metadata": thread}
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("why")
    async def why(ack: AsyncAck, view: dict[str, Any]) -> None:
        reason = view["state"]["values"]["reason"]["reason"]["value"]
        if reason == "because":
            await ack(response_action="errors", errors={"reason": "Say more."})
            return
        await ack()
        channel, ts = view["private_metadata"].split()
        await client.chat_update(
            channel=channel, ts=ts, text="done", blocks=[told(reason)]
        )
        await client.files_upload_v2(
            channel=channel, thread_ts=ts, filename="why.txt", content=reason
        )

    @app.event("message")
    async def ignore() -> None:
        pass

    return app


def told(reason: str) -> dict[str, Any]:
    return {"type": "header", "text": plain(f"Because {reason}")}


async def test_a_command_a_button_a_form_and_a_file_go_all_the_way(
    sandbox: Sandbox, page: Page
) -> None:
    await page.goto(sandbox.url)
    await composer(page).fill("/task sample a < b")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await expect(page.get_by_text("Heard @ann")).to_be_visible()
    await expect(page.locator("#main .message code")).to_have_text("sample a < b")

    await page.get_by_role("button", name="Form").click()
    modal = page.get_by_role("dialog", name="Run a task")
    await modal.get_by_label("Reason").fill("because")
    await page.keyboard.press("Enter")
    await expect(modal.get_by_text("Say more.")).to_be_visible()
    await modal.get_by_label("Reason").fill("it works")
    await page.keyboard.press("Enter")
    await expect(modal).to_be_hidden()
    await expect(page.get_by_role("heading", name="Because it works")).to_be_visible()

    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="View").click()
    viewer = page.get_by_role("dialog", name="why.txt")
    await expect(viewer.locator("pre")).to_have_text("it works")


async def test_a_command_in_a_thread_is_refused_as_slack_does(
    sandbox: Sandbox, page: Page
) -> None:
    await page.goto(sandbox.url)
    await composer(page).fill("hello")
    await page.keyboard.press("Enter")
    await newest(page).press("Enter")
    reply = page.get_by_role("textbox", name="Reply in thread")
    await reply.fill("/task sample true")
    await page.keyboard.press("Enter")

    notice = page.locator("#thread").get_by_role("alert")
    await expect(notice).to_have_text("/task is not supported in threads. Sorry!")
