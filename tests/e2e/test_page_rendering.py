"""What the web page of the local workspace shows."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.block_kit import mrkdwn, plain
from tests.e2e.chromium import Complaints
from tests.e2e.page_stub import Object, PageStub
from tests.e2e.page_visit import newest, visit

BOT = Path(__file__).parents[2] / "bot"
SIGN = re.compile(r":[a-z]+(?:_[a-z]+)*:(?=[ \"'])")

# One browser for all of these, hence one event loop: starting it takes longer
# than any of the tests.
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def page(shared_page: Page) -> Page:
    return shared_page


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


async def test_every_sign_of_the_bot_is_drawn_whatever_the_fonts(
    page: Page, stub: PageStub
) -> None:
    sources = (BOT / part for part in ("slack", "domain", "control"))
    texts = (file.read_text() for folder in sources for file in folder.glob("*.py"))
    signs = sorted({sign for text in texts for sign in SIGN.findall(text)})
    stub.post(" ".join(signs))

    await visit(page, stub)

    content = newest(page).locator(".content")
    await expect(content.locator(".emoji svg")).to_have_count(len(signs))
    assert len(signs) > 10


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


async def test_a_file_that_was_deleted_says_so(page: Page, stub: PageStub) -> None:
    stub.post("the whole output", files=[{"id": "F1", "mode": "tombstone"}])
    await visit(page, stub)

    gone = page.get_by_role("group", name="Deleted file")
    await expect(gone).to_have_text("This file was deleted.")
    await expect(gone.get_by_role("link")).to_have_count(0)


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


async def test_the_page_survives_an_absent_server(page: Page, stub: PageStub) -> None:
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
