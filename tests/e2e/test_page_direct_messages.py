"""The web page where somebody is told something alone, and asked before it acts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.e2e.block_kit import button, form, mrkdwn, plain
from tests.e2e.block_kit import field as input_field
from tests.e2e.page_stub import Object
from tests.e2e.page_visit import newest

# One browser for all of these, hence one event loop: starting it takes longer
# than any of the tests.
pytestmark = pytest.mark.asyncio(loop_scope="session")

MANIFEST = Path(__file__).parents[1] / "contract/sandbox/manifest.yml"
SURE: Object = {
    "title": plain("Release the hold?"),
    "text": mrkdwn("*net-prod* is free then."),
    "confirm": plain("Release"),
    "deny": plain("Keep"),
}


@dataclass(kw_only=True)
class Town:
    """A workspace with ann, bob and an app that holds things."""

    sandbox: Sandbox
    client: AsyncWebClient
    ann: str
    bob: str
    infra: str
    pressed: list[str] = field(default_factory=list)

    def app(self) -> AsyncApp:
        """Return the app: it releases, asks for reasons, and fails to answer."""
        app = AsyncApp(client=self.client)

        @app.action("release")
        async def release(ack: AsyncAck, action: Any, respond: AsyncRespond) -> None:
            await ack()
            self.pressed.append(action["value"])
            await respond(text="Released.", replace_original=True)

        @app.action("steal")
        async def steal(ack: AsyncAck, body: Any) -> None:
            await ack()
            asked: Any = form(input_field("reason", {"type": "plain_text_input"}))
            view = {name: part for name, part in asked["view"].items() if name != "id"}
            view["callback_id"] = "steal"
            await self.client.views_open(trigger_id=body["trigger_id"], view=view)

        @app.view("steal")
        async def stolen(ack: AsyncAck, view: Any) -> None:
            await ack()
            reason = view["state"]["values"]["reason"]["reason"]["value"]
            await self.client.chat_postMessage(channel=self.bob, text=f"*{reason}*")

        return app

    async def tell(self, who: str, text: str, *elements: Any) -> None:
        """Send a direct message with buttons."""
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": mrkdwn(text)},
            {"type": "actions", "elements": list(elements)},
        ]
        await self.client.chat_postMessage(channel=who, text=text, blocks=blocks)


@pytest_asyncio.fixture(loop_scope="session")
async def town() -> AsyncIterator[Town]:
    workspace = Workspace(manifest=MANIFEST)
    workspace.manifest = replace(workspace.manifest, messages_read_only=True)
    ann = workspace.add_person("ann", real_name="Ann Writer", role_hint="writer")
    bob = workspace.add_person("bob", real_name="Bob Writer", role_hint="writer")
    infra = workspace.add_channel("infra", members=[ann, bob])
    async with serve(workspace, pace=False, ack_deadline=0.3) as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        town = Town(sandbox=sandbox, client=client, ann=ann, bob=bob, infra=infra)
        handler = AsyncSocketModeHandler(town.app(), sandbox.app_token)
        await handler.connect_async()
        yield town
        await handler.close_async()


@pytest.fixture
def page(shared_page: Page) -> Page:
    return shared_page


async def visit(page: Page, town: Town) -> None:
    await page.goto(town.sandbox.url)
    await page.wait_for_selector("body[data-ready]")


def conversation(page: Page) -> Locator:
    """The entry of the direct messages with the app, in the side bar."""
    return (
        page.locator("#sidebar section")
        .filter(has=page.get_by_role("heading", name="Direct messages"))
        .get_by_role("button", name="Sample")
    )


def unread(entry: Locator) -> Locator:
    return entry.get_by_role("img", name="unread")


async def test_a_direct_message_is_unread_until_it_was_looked_at(
    page: Page, town: Town
) -> None:
    await visit(page, town)
    await expect(conversation(page)).to_be_hidden()

    await town.tell(town.ann, "Your hold ends soon.", button("Extend", value="1"))
    await expect(unread(conversation(page))).to_be_visible()
    await page.reload()
    await expect(unread(conversation(page))).to_be_visible()
    await conversation(page).click()

    await expect(newest(page)).to_contain_text("Your hold ends soon.")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Sample")
    await expect(unread(conversation(page))).to_be_hidden()
    closed = page.locator("#main").get_by_text("Sending messages to this app has been")
    await expect(closed).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_count(0)
    await expect(page.get_by_role("button", name="Reply in thread")).to_have_count(0)
    await page.reload()
    await expect(conversation(page)).to_be_visible()
    await expect(unread(conversation(page))).to_be_hidden()


async def test_whoever_else_was_told_something_has_a_dot(
    page: Page, town: Town
) -> None:
    await visit(page, town)
    bob = page.get_by_role("radio", name="Bob Writer")
    await expect(unread(bob)).to_be_hidden()

    await town.tell(town.bob, "Ann took over.", button("Keep", value="1"))
    await expect(unread(bob)).to_be_visible()
    await expect(conversation(page)).to_be_hidden()
    await bob.click()
    await expect(unread(conversation(page))).to_be_visible()
    await conversation(page).click()
    await page.get_by_role("radio", name="Ann Writer").click()

    await expect(conversation(page)).to_be_hidden()
    await expect(unread(bob)).to_be_hidden()


async def test_a_button_of_a_direct_message_asks_and_then_acts(
    page: Page, town: Town
) -> None:
    release = button("Release", value="net-prod|then", confirm=SURE)
    await town.tell(town.ann, "Still needed?", release)
    await visit(page, town)
    await conversation(page).click()
    dialog = page.get_by_role("dialog", name="Release the hold?")

    await newest(page).get_by_role("button", name="Release").click()
    await expect(dialog).to_contain_text("net-prod is free then.")
    await dialog.get_by_role("button", name="Keep").click()
    assert town.pressed == []
    await newest(page).get_by_role("button", name="Release").click()
    await dialog.get_by_role("button", name="Release").click()

    await expect(newest(page)).to_contain_text("Released.")
    assert town.pressed == ["net-prod|then"]


async def test_a_button_only_one_sees_opens_a_form_that_tells_another(
    page: Page, town: Town
) -> None:
    await visit(page, town)
    await town.client.chat_postEphemeral(
        channel=town.infra,
        user=town.ann,
        text="held",
        blocks=[{"type": "actions", "elements": [button("Steal", value="net-prod")]}],
    )

    await expect(newest(page)).to_contain_text("Only visible to you")
    await newest(page).get_by_role("button", name="Steal").click()
    modal = page.get_by_role("dialog", name="Run a task")
    await modal.get_by_label("Reason").fill("a < b & <!channel> `c`")
    await modal.get_by_role("button", name="Run").click()
    await expect(modal).to_be_hidden()
    await town.sandbox.wait_for(lambda: town.sandbox.direct_messages(town.bob))

    [told] = town.sandbox.direct_messages(town.bob)
    assert told["text"] == "*a &lt; b &amp; <!channel> `c`*"


async def test_only_an_app_with_a_home_has_one_in_the_side_bar(
    page: Page, town: Town
) -> None:
    await visit(page, town)
    apps = page.get_by_role("heading", name="Apps")
    await expect(apps).to_be_visible()
    manifest = town.sandbox.workspace.manifest
    town.sandbox.workspace.manifest = replace(manifest, home_tab=False)

    await page.reload()
    await page.wait_for_selector("body[data-ready]")

    await expect(apps).to_be_hidden()


async def test_a_button_that_nobody_answers_says_so(page: Page, town: Town) -> None:
    await town.tell(town.ann, "A notice.", button("Unheard", value="1"))
    await visit(page, town)
    await conversation(page).click()

    await newest(page).get_by_role("button", name="Unheard").click()

    alert = newest(page).get_by_role("alert")
    await expect(alert).to_contain_text("did not answer within 3 seconds")


async def test_a_person_who_is_deactivated_gives_way_to_another(
    page: Page, town: Town
) -> None:
    await visit(page, town)
    await expect(page.locator("body")).to_have_attribute("data-ready", town.ann)

    town.sandbox.deactivate(town.ann)
    await expect(page.locator("body")).to_have_attribute("data-ready", town.bob)
    await expect(page.get_by_role("radio", name="Ann Writer")).to_be_hidden()
    town.sandbox.reactivate(town.ann)

    await expect(page.get_by_role("radio", name="Ann Writer")).to_be_visible()
