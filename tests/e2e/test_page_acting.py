"""What one does in the web page of the local workspace, and what it then asks."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.block_kit import button, field, form, mrkdwn, options, plain
from tests.e2e.page_stub import Object, PageStub
from tests.e2e.page_visit import composer, newest, visit

# One browser for all of these, hence one event loop: starting it takes longer
# than any of the tests.
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def page(shared_page: Page) -> Page:
    return shared_page


async def test_a_button_asks_before_it_acts(page: Page, stub: PageStub) -> None:
    sure: Object = {
        "title": plain("Stop it?"),
        "text": mrkdwn("*Really*"),
        "confirm": plain("Stop it"),
        "deny": plain("No"),
    }
    stop = button("Stop", value="run-1", style="danger", confirm=sure)
    stub.post_blocks({"type": "actions", "block_id": "b1", "elements": [stop]})
    ts = str(stub.messages["C0INFRA"][0]["ts"])
    await visit(page, stub)

    await page.get_by_role("button", name="Stop", exact=True).click()
    await page.get_by_role("button", name="No", exact=True).click()
    assert stub.asked == []
    await page.get_by_role("button", name="Stop", exact=True).click()
    async with page.expect_response("**/sandbox/action"):
        await page.get_by_role("button", name="Stop it").click()

    assert stub.last("action") == {
        "as": "U0ANN",
        "channel": "C0INFRA",
        "message_ts": ts,
        "ephemeral": False,
        "block_id": "b1",
        "action_id": "stop",
        "value": "run-1",
    }


async def test_selects_and_menus_tell_what_was_chosen(
    page: Page, stub: PageStub
) -> None:
    select: Object = {
        "type": "static_select",
        "action_id": "pick",
        "options": options("One", "Two"),
    }
    more: Object = {
        "type": "overflow",
        "action_id": "more",
        "options": options("Card", "Log"),
    }
    stub.post_blocks({"type": "actions", "block_id": "b1", "elements": [select, more]})
    await visit(page, stub)

    async with page.expect_response("**/sandbox/action"):
        await newest(page).get_by_role("combobox").select_option("two")
    assert stub.last("action")["selected"] == "two"
    await page.get_by_role("button", name="More actions").press("Enter")
    async with page.expect_response("**/sandbox/action"):
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")

    assert stub.last("action")["action_id"] == "more"
    assert stub.last("action")["selected"] == "log"


async def test_a_thread_opens_beside_the_channel_and_takes_replies(
    page: Page, stub: PageStub
) -> None:
    parent = stub.post("a run")
    stub.post("its output", thread_ts=parent, user="U0BOT", bot_id="B0BOT")
    await visit(page, stub)
    thread = page.get_by_role("complementary", name="Thread")
    await expect(page.locator("#main .message")).to_have_count(1)

    await page.get_by_role("button", name="1 reply").click()
    await expect(thread.locator(".message")).to_have_count(2)
    await thread.get_by_role("textbox", name="Reply in thread").fill("lock: by hand")
    async with page.expect_response("**/sandbox/message"):
        await page.keyboard.press("Enter")

    assert stub.last("message") == {
        "as": "U0ANN",
        "channel": "C0INFRA",
        "text": "lock: by hand",
        "thread_ts": parent,
    }
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()


async def test_enter_sends_and_up_brings_the_last_line_back(
    page: Page, stub: PageStub
) -> None:
    await visit(page, stub)

    await page.keyboard.press("/")
    await expect(composer(page)).to_be_focused()
    await page.keyboard.type("two")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("lines")
    async with page.expect_response("**/sandbox/message"):
        await page.keyboard.press("Enter")

    assert stub.last("message")["text"] == "two\nlines"
    await expect(composer(page)).to_have_value("")
    await page.keyboard.press("ArrowUp")
    await expect(composer(page)).to_have_value("two\nlines")


async def test_slash_commands_are_suggested_completed_and_sent(
    page: Page, stub: PageStub
) -> None:
    await visit(page, stub)

    await composer(page).fill("/")
    suggestions = page.get_by_role("listbox", name="Slash commands")
    await expect(suggestions).to_contain_text("<stack> <command> [--no-init]")
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_have_value("/task ")
    await page.keyboard.type("sample terraform state list")
    async with page.expect_response("**/sandbox/slash"):
        await page.keyboard.press("Enter")

    text = "/task sample terraform state list"
    assert stub.last("slash") == {"as": "U0ANN", "channel": "C0INFRA", "text": text}


async def test_a_command_is_found_by_its_beginning(page: Page, stub: PageStub) -> None:
    stub.commands.append(
        {
            "command": "/deploy",
            "description": "Plan a stack and apply the plan",
            "usage_hint": "<stack>",
        }
    )
    await visit(page, stub)
    suggestions = page.get_by_role("listbox", name="Slash commands")

    await composer(page).fill("/")
    await expect(suggestions.get_by_role("option")).to_have_count(2)
    await composer(page).fill("/d")
    await expect(suggestions.get_by_role("option")).to_have_text(
        "/deploy<stack>Plan a stack and apply the plan"
    )
    await page.keyboard.press("Tab")
    await expect(composer(page)).to_have_value("/deploy ")
    await page.keyboard.type("net-prod")
    async with page.expect_response("**/sandbox/slash"):
        await page.keyboard.press("Enter")

    assert stub.last("slash")["text"] == "/deploy net-prod"


async def test_a_refused_line_is_explained_and_kept(page: Page, stub: PageStub) -> None:
    stub.answers["slash"] = {"ok": False, "error": "operation_timeout"}
    await visit(page, stub)

    await composer(page).fill("/task sample true")
    await page.keyboard.press("Enter")

    notice = page.locator("#main").get_by_role("alert")
    await expect(notice).to_contain_text("did not answer within 3 seconds")
    await expect(composer(page)).to_have_value("/task sample true")


async def test_a_first_visit_is_shown_what_to_try(page: Page, stub: PageStub) -> None:
    stub.commands[0]["example"] = "sample terraform state list"
    await visit(page, stub)

    await page.get_by_role("button", name="/task sample terraform state list").click()
    await expect(composer(page)).to_have_value("/task sample terraform state list")
    async with page.expect_response("**/sandbox/slash"):
        await page.keyboard.press("Enter")
    await page.reload()
    await page.wait_for_selector("body[data-ready]")

    await expect(page.get_by_text("Try:")).to_be_hidden()


async def test_a_form_is_checked_submitted_and_corrected(
    page: Page, stub: PageStub
) -> None:
    words: Object = {"type": "plain_text_input", "multiline": True}
    which: Object = {"type": "static_select", "options": options("Sample", "Other")}
    flags: Object = {"type": "checkboxes", "options": options("Init", "Force")}
    kinds: Object = {"type": "radio_buttons", "options": options("Fresh", "Kept")}
    await visit(page, stub)
    stub.tell(
        form(
            field("stack", which),
            field("command", words),
            field("flags", flags, optional=True),
            field("kind", kinds, optional=True),
        )
    )
    modal = page.get_by_role("dialog", name="Run a task")

    await modal.get_by_role("button", name="Run").click()
    await expect(modal.get_by_text("Please fill in this field.")).to_have_count(2)
    assert stub.asked == []
    await modal.get_by_label("Stack").select_option("sample")
    await modal.get_by_label("Command").fill("terraform\nplan")
    await modal.get_by_label("Init").check()
    await modal.get_by_label("Kept").check()
    stub.answers["view"] = {
        "ok": False,
        "response_action": "errors",
        "errors": {"command": "One line only."},
    }
    await modal.get_by_role("button", name="Run").click()
    await expect(modal.get_by_text("One line only.")).to_be_visible()
    await expect(modal.get_by_label("Command")).to_be_focused()
    stub.answers.clear()
    await modal.get_by_role("button", name="Run").click()
    await expect(modal).to_be_hidden()

    [sample, _], [init, _], [_, kept] = (
        options("Sample", "Other"),
        options("Init", "Force"),
        options("Fresh", "Kept"),
    )
    state = stub.last("view")["state"]
    assert state == {
        "values": {
            "stack": {"stack": {"type": "static_select", "selected_option": sample}},
            "command": {
                "command": {"type": "plain_text_input", "value": "terraform\nplan"}
            },
            "flags": {"flags": {"type": "checkboxes", "selected_options": [init]}},
            "kind": {"kind": {"type": "radio_buttons", "selected_option": kept}},
        }
    }


async def test_an_updated_form_keeps_what_was_typed(page: Page, stub: PageStub) -> None:
    words: Object = {"type": "plain_text_input"}
    await visit(page, stub)
    stub.tell(form(field("command", words)))
    modal = page.get_by_role("dialog")
    await modal.get_by_label("Command").fill("half a comm")

    stub.tell(form(field("command", words), field("reason", words)))
    await expect(modal.get_by_label("Reason")).to_be_visible()
    await expect(modal.get_by_label("Command")).to_have_value("half a comm")
    async with page.expect_response("**/sandbox/view/close"):
        await page.keyboard.press("Escape")

    await expect(modal).to_be_hidden()
    assert stub.last("view/close") == {"as": "U0ANN", "view_id": "V1"}


async def test_one_can_be_somebody_else(page: Page, stub: PageStub) -> None:
    await visit(page, stub)
    await expect(page.get_by_role("radio", checked=True)).to_contain_text("Ann Writer")

    await page.get_by_role("radio", name="Rita Reader").click()
    await expect(page.locator("body")).to_have_attribute("data-ready", "U0RITA")
    await composer(page).fill("hello")
    async with page.expect_response("**/sandbox/message"):
        await page.keyboard.press("Enter")

    assert stub.last("message")["as"] == "U0RITA"
    assert "as=U0RITA" in page.url


async def test_messages_are_reached_by_keys_alone(page: Page, stub: PageStub) -> None:
    stub.post("older")
    stub.post("newer")
    await visit(page, stub)

    await page.keyboard.press("k")
    await expect(newest(page)).to_be_focused()
    await page.keyboard.press("k")
    await expect(page.locator("#main .message").first).to_be_focused()
    await page.keyboard.press("Enter")

    reply = page.get_by_role("textbox", name="Reply in thread")
    await expect(reply).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#main .message").first).to_be_focused()


async def test_a_permalink_opens_its_thread_in_the_page(
    page: Page, stub: PageStub
) -> None:
    parent = stub.post("a run")
    stub.post("its output", thread_ts=parent)
    stub.post(f"see <{stub.url}archives/C0INFRA/p{parent.replace('.', '')}|the run>")
    await visit(page, stub)

    await page.get_by_role("link", name="the run").click()

    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("its output")
