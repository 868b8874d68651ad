"""What the web page of the local workspace shows, and what it asks of its server."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.chromium import Complaints, chromium, fresh_page
from tests.e2e.page_stub import Json, Object, PageStub, page_stub

# One browser for all of these, hence one event loop: starting it takes longer
# than any of the tests.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    async with fresh_page(browser, complaints) as page:
        yield page
    assert complaints.told == []


@pytest_asyncio.fixture(loop_scope="module")
async def stub() -> AsyncIterator[PageStub]:
    async with page_stub() as serving:
        yield serving


async def visit(page: Page, stub: PageStub, query: str = "") -> None:
    await page.goto(stub.url + query)
    await page.wait_for_selector("body[data-ready]")


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message #infra")


def newest(page: Page) -> Locator:
    return page.locator("#main .message").last


def plain(text: str) -> Object:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Object:
    return {"type": "mrkdwn", "text": text}


def options(*words: str) -> list[Json]:
    return [{"text": plain(word), "value": word.lower()} for word in words]


def button(text: str, **more: Json) -> Object:
    return {"type": "button", "text": plain(text), "action_id": text.lower(), **more}


def field(block_id: str, element: Object, **more: Json) -> Object:
    label = plain(block_id.title())
    named: Object = {**element, "action_id": block_id}
    return {
        "type": "input",
        "block_id": block_id,
        "label": label,
        "element": named,
        **more,
    }


def form(*blocks: Object, **more: Json) -> Object:
    return {
        "type": "view",
        "view": {
            "id": "V1",
            "type": "modal",
            "title": plain("Run a task"),
            "submit": plain("Run"),
            "blocks": list(blocks),
            **more,
        },
    }


async def test_hostile_text_stays_text(page: Page, stub: PageStub) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    stored = hostile.replace("<", "&lt;").replace(">", "&gt;")
    literal: Object = {"type": "text", "text": hostile}
    stub.post(stored)
    stub.post(hostile)
    stub.post("<javascript:alert(3)|click me> ```" + hostile + "```")
    stub.post_blocks(
        {"type": "header", "text": plain(hostile)},
        {"type": "section", "text": mrkdwn(stored)},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [literal]}],
        },
    )
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))

    await visit(page, stub)

    await expect(page.locator("#main .message")).to_have_count(4)
    await expect(page.locator("#main .message .content").first).to_have_text(hostile)
    await expect(newest(page).locator("pre")).to_have_text(hostile)
    assert await page.locator("#main :is(.content img, script)").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    assert alerts == []


async def test_mrkdwn_is_rendered_as_slack_does(page: Page, stub: PageStub) -> None:
    stub.post(
        "*bold* _italic_ ~gone~ `a &lt; *b*` snake_case_name 2*3*4 "
        "<https://example.com/?a=1&amp;b=2|a link> <@U0BEN> <#C0GENERAL|general> "
        "<!channel> <!subteam^S0PLAT> <!date^0^{nothing}|fallback> "
        "<!date^1700000000^{date_num}|then> :lock: :no_such_emoji: a &amp;amp; b\n"
        "&gt; quoted\n```\nfence *not bold* &lt;tag&gt;\n  indented\n```"
    )

    await visit(page, stub)

    content = newest(page).locator(".content")
    await expect(content.locator("strong")).to_have_text("bold")
    await expect(content.locator("em")).to_have_text("italic")
    await expect(content.locator("s")).to_have_text("gone")
    await expect(content.locator("code")).to_have_text("a < *b*")
    await expect(content.locator("blockquote")).to_have_text("quoted")
    await expect(content.locator("pre")).to_have_text(
        "fence *not bold* <tag>\n  indented", use_inner_text=True
    )
    link = content.get_by_role("link", name="a link")
    await expect(link).to_have_attribute("href", "https://example.com/?a=1&b=2")
    mentions = await content.locator(".mention").all_text_contents()
    assert mentions == ["@ben", "#general", "@channel", "@platform"]
    await expect(content.get_by_role("img", name="lock")).to_be_visible()
    first = content.locator("p").first
    await expect(first).to_contain_text("snake_case_name 2*3*4")
    await expect(first).to_contain_text(re.compile(r"1[45]/11/2023"))
    await expect(first).to_contain_text(":no_such_emoji: a &amp; b")


async def test_every_block_of_a_run_is_shown(page: Page, stub: PageStub) -> None:
    styled: Object = {"type": "text", "text": "item", "style": {"bold": True}}
    item: Object = {"type": "rich_text_section", "elements": [styled]}
    numbered: Object = {
        "type": "rich_text_list",
        "style": "ordered",
        "elements": [item],
    }
    stub.post_blocks(
        {"type": "header", "text": plain("sample · plan")},
        {"type": "section", "fields": [mrkdwn("*State*\n:gear: x"), mrkdwn("*Who*")]},
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("run `1`")]},
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "plot"},
        {"type": "rich_text", "elements": [numbered]},
        {"type": "table", "rows": []},
    )

    await visit(page, stub)

    content = newest(page).locator(".content")
    await expect(content.get_by_role("heading")).to_have_text("sample · plan")
    await expect(content.locator(".field")).to_have_count(2)
    await expect(content.locator("hr")).to_have_count(1)
    await expect(content.locator(".context code")).to_have_text("1")
    await expect(content.get_by_role("img", name="plot")).to_have_text("plot")
    await expect(content.locator("ol li strong")).to_have_text("item")
    await expect(content).to_contain_text("a block of type table")


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


async def test_messages_change_and_vanish_while_one_watches(
    page: Page, stub: PageStub
) -> None:
    await visit(page, stub)

    ts = stub.post("first words")
    await expect(newest(page)).to_contain_text("first words")
    stub.change(ts, text="other words", edited={"user": "U0ANN", "ts": "1"})
    await expect(newest(page)).to_contain_text("other words(edited)")
    stub.tell({"type": "message_deleted", "channel": "C0INFRA", "ts": ts})

    await expect(page.locator("#main .message")).to_have_count(0)


async def test_an_ephemeral_message_is_marked_and_can_be_dismissed(
    page: Page, stub: PageStub
) -> None:
    await visit(page, stub)
    private: Object = {"ts": stub.next_ts(), "bot_id": "B0BOT", "text": "not for you"}

    stub.tell({"type": "ephemeral", "channel": "C0INFRA", "message": private})

    await expect(newest(page)).to_contain_text("Only visible to you")
    await expect(newest(page)).to_contain_text("not for you")
    await newest(page).get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#main .message")).to_have_count(0)


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


async def test_a_new_reply_marks_its_thread_until_it_is_read(
    page: Page, stub: PageStub
) -> None:
    parent = stub.post("a run")
    await visit(page, stub)

    stub.post("done", thread_ts=parent)
    dot = newest(page).get_by_role("img", name="unread")
    await expect(dot).to_be_visible()
    await page.get_by_role("button", name="1 reply").click()

    await expect(dot).to_have_count(0)


async def test_a_deleted_parent_keeps_its_thread_within_reach(
    page: Page, stub: PageStub
) -> None:
    parent = stub.post("a run")
    stub.post("its record", thread_ts=parent)
    await visit(page, stub)

    stub.tell({"type": "message_deleted", "channel": "C0INFRA", "ts": parent})
    await expect(newest(page)).to_contain_text("This message was deleted.")
    await page.get_by_role("button", name="1 reply").click()

    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("its record")


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


async def test_a_file_can_be_read_and_downloaded(page: Page, stub: PageStub) -> None:
    stub.files["out.log"] = "line 1\nline <b>2</b>"
    stub.post(
        "the whole output",
        files=[
            {
                "id": "F1",
                "name": "out.log",
                "title": "out.log",
                "size": 21,
                "mimetype": "text/plain",
                "url_private_download": f"{stub.url}files/out.log",
            }
        ],
    )
    await visit(page, stub)

    card = page.get_by_role("group", name="File out.log")
    await expect(card).to_contain_text("21 bytes")
    async with page.expect_download() as downloading:
        await card.get_by_role("link", name="Download").click()
    assert (await downloading.value).suggested_filename == "out.log"
    await card.get_by_role("button", name="View").click()

    pre = page.get_by_role("dialog", name="out.log").locator("pre")
    await expect(pre).to_have_text("line 1\nline <b>2</b>", use_inner_text=True)


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


async def test_a_growing_output_is_followed_and_a_reader_left_alone(
    page: Page, stub: PageStub
) -> None:
    lines = "\n".join(f"line {n}" for n in range(200))
    ts = stub.post(f"```{lines}```")
    await visit(page, stub)
    pre = newest(page).locator("pre")
    at_end = "pre => pre.scrollHeight - pre.clientHeight - pre.scrollTop < 4"

    await pre.evaluate("pre => pre.scrollTo(0, 40)")
    stub.change(ts, text=f"```{lines}\nmore```")
    await expect(pre).to_contain_text("more")
    assert await pre.evaluate("pre => pre.scrollTop") == 40
    await pre.evaluate("pre => pre.scrollTo(0, pre.scrollHeight)")
    stub.change(ts, text=f"```{lines}\nmore\nlast```")
    await expect(pre).to_contain_text("last")

    assert await pre.evaluate(at_end)


async def test_the_page_survives_an_absent_server(
    page: Page, stub: PageStub
) -> None:
    await visit(page, stub)
    banner = page.get_by_text("Reconnecting…")
    await expect(banner).to_be_hidden()

    await stub.go_away()
    await expect(banner).to_be_visible()
    stub.post("said meanwhile")
    await stub.come_back()

    await expect(banner).to_be_hidden()
    await expect(newest(page)).to_contain_text("said meanwhile")


async def test_an_unknown_person_in_the_address_gives_way(
    page: Page, stub: PageStub, complaints: Complaints
) -> None:
    await visit(page, stub, "?as=U0GONE")

    await expect(page.get_by_role("radio", checked=True)).to_contain_text("Ann Writer")
    complaints.told.clear()


async def test_the_home_tab_is_shown(page: Page, stub: PageStub) -> None:
    stub.home = {
        "id": "V0",
        "type": "home",
        "blocks": [{"type": "header", "text": plain("Your runs")}],
    }
    await visit(page, stub)

    await page.get_by_role("button", name="Handrail").click()

    await expect(page.get_by_role("heading", name="Your runs")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 900])
async def test_nothing_is_wider_than_the_window(
    page: Page, stub: PageStub, width: int
) -> None:
    parent = stub.post("```" + "x" * 400 + "``` " + "y" * 300)
    stub.post("z" * 300, thread_ts=parent)
    await page.set_viewport_size({"width": width, "height": 800})

    await visit(page, stub, f"?thread={parent}")

    await expect(page.locator("#thread .message")).to_have_count(2)
    wide = "() => document.documentElement.scrollWidth"
    assert await page.evaluate(wide) == width
    for pane in await page.locator(".scroller").all():
        assert await pane.evaluate("one => one.scrollWidth <= one.clientWidth")
