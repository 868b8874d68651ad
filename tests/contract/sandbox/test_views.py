"""Forms and the Home tab as Slack has them, driven by the real SDK."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import MethodError, Payload
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town


def plain(text: str) -> Payload:
    return {"type": "plain_text", "text": text}


def options(*values: str) -> list[Payload]:
    return [{"text": plain(value), "value": value} for value in values]


def field(name: str, kind: str, *, act: bool = False, **parts: Any) -> Payload:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(name),
        "dispatch_action": act,
        "element": {"type": kind, "action_id": name, **parts},
    }


STACK = field("stack", "external_select", act=True, min_query_length=0)
COMMAND = field("command", "plain_text_input", multiline=True)
INIT = field(
    "init",
    "checkboxes",
    options=options("init"),
    initial_options=options("init"),
)


def modal(*blocks: Payload, title: str = "Run a task", **parts: Any) -> Payload:
    return {
        "type": "modal",
        "callback_id": "task",
        "title": plain(title),
        "submit": plain("Run"),
        "blocks": list(blocks),
        **parts,
    }


def home(*blocks: Payload) -> Payload:
    return {"type": "home", "blocks": list(blocks)}


async def opened(client: AsyncWebClient, town: Town, view: Payload) -> Payload:
    trigger = town.workspace.triggers.new(town.ann)
    answer = await client.views_open(trigger_id=trigger, view=view)
    shown: Payload = answer["view"]
    return shown


async def test_a_menu_of_the_apps_own_is_asked_and_offers_what_can_be_chosen(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    asked: list[Payload] = []
    submitted: list[Payload] = []

    @app.options("stack")
    async def stacks(ack: AsyncAck, body: Payload) -> None:
        asked.append(body)
        await ack(options=options("net-prod", "net-test"))

    @app.view("task")
    async def submit(ack: AsyncAck, view: Payload) -> None:
        await ack()
        submitted.append(view["state"]["values"])

    view = await opened(client, town, modal(STACK, COMMAND, INIT))
    filled = {"stack": {"stack": "net-prod"}, "command": {"command": "a\nb"}}
    with pytest.raises(MethodError, match="option_not_found"):
        await sandbox.submit(view["id"], filled, by=town.ann)
    offered = await sandbox.suggest(
        "net", by=town.ann, view_id=view["id"], action_id="stack"
    )
    answer = await sandbox.submit(view["id"], filled, by=town.ann)

    assert answer.ok
    assert [option["value"] for option in offered] == ["net-prod", "net-test"]
    [body] = asked
    assert body["type"] == "block_suggestion"
    assert (body["block_id"], body["action_id"]) == ("stack", "stack")
    assert body["value"] == "net"
    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert body["view"]["private_metadata"] == ""
    assert "trigger_id" not in body
    [values] = submitted
    assert values["stack"]["stack"] == {
        "type": "external_select",
        "selected_option": offered[0],
    }
    assert values["command"]["command"]["value"] == "a\nb"
    assert values["init"]["init"]["selected_options"] == options("init")


async def test_a_menu_of_the_apps_own_waits_for_three_characters_unless_told(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    view = await opened(client, town, modal(field("stack", "external_select")))
    typing = {"by": town.ann, "view_id": view["id"], "action_id": "stack"}

    assert await sandbox.suggest("ne", **typing) == []
    with pytest.raises(MethodError, match="dispatch_failed"):
        await sandbox.suggest("net", **typing)


@pytest.mark.parametrize(
    "answer",
    [
        {"options": options(*map(str, range(101)))},
        {"options": options("x" * 76)},
        {"option_groups": [{"label": plain("All"), "options": options("x" * 76)}]},
        {},
    ],
)
async def test_offers_that_slack_cannot_show_are_no_offers(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
    answer: Payload,
) -> None:
    @app.options("stack")
    async def stacks(ack: AsyncAck) -> None:
        await ack(answer)

    view = await opened(client, town, modal(STACK))

    with pytest.raises(MethodError, match="invalid_options"):
        await sandbox.suggest("", by=town.ann, view_id=view["id"], action_id="stack")


async def test_only_a_field_that_asks_for_it_tells_the_app_at_once(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    bodies: list[Payload] = []

    @app.action("preset")
    async def chosen(ack: AsyncAck, body: Payload) -> None:
        await ack()
        bodies.append(body)

    parts: dict[str, Any] = {"options": options("restart", "rotate")}
    silent = field("preset", "static_select", **parts)
    quiet = await opened(client, town, modal(silent))
    choice: Payload = {"action_id": "preset", "selected": "rotate", "by": town.ann}
    with pytest.raises(MethodError, match="action_not_found"):
        await sandbox.click(view_id=quiet["id"], **choice)
    telling = field("preset", "static_select", act=True, **parts)
    view = await opened(client, town, modal(telling, COMMAND, INIT))
    typed = {"command": {"command": "half a comm"}}
    answer = await sandbox.click(view_id=view["id"], filled=typed, **choice)

    assert answer.ok
    [body] = bodies
    assert body["type"] == "block_actions"
    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert body["view"]["hash"] == view["hash"]
    assert body["trigger_id"]
    assert not {"channel", "message", "response_url"} & body.keys()
    [action] = body["actions"]
    assert (action["block_id"], action["type"]) == ("preset", "static_select")
    assert action["selected_option"] == options("rotate")[0]
    values = body["view"]["state"]["values"]
    assert values["preset"]["preset"]["selected_option"] == options("rotate")[0]
    assert values["command"]["command"]["value"] == "half a comm"
    assert values["init"]["init"]["selected_options"] == options("init")


async def test_what_is_filled_in_stays_while_its_field_does(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    states: list[Payload] = []

    @app.view("task")
    async def submit(ack: AsyncAck, view: Payload) -> None:
        states.append(view["state"]["values"])
        await ack(response_action="errors", errors={"command": "No."})

    again = field("command", "plain_text_input", initial_value="from the app")
    view = await opened(client, town, modal(COMMAND))
    filled = {"command": {"command": "typed"}}
    refused = await sandbox.submit(view["id"], filled, by=town.ann)
    await client.views_update(view_id=view["id"], view=modal(again, INIT))
    await sandbox.submit(view["id"], {}, by=town.ann)
    await client.views_update(view_id=view["id"], view=modal(INIT))
    await client.views_update(view_id=view["id"], view=modal(again))
    await sandbox.submit(view["id"], {}, by=town.ann)

    assert refused.errors == {"command": "No."}
    said = [state["command"]["command"]["value"] for state in states]
    assert said == ["typed", "typed", "from the app"]


async def test_a_form_may_become_another_when_it_is_submitted(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    @app.view("task")
    async def submit(ack: AsyncAck) -> None:
        await ack(response_action="update", view=modal(INIT, title="Working"))

    view = await opened(client, town, modal(COMMAND))
    answer = await sandbox.submit(
        view["id"], {"command": {"command": "x"}}, by=town.ann
    )

    assert (answer.ok, answer.response_action) == (True, "update")
    [shown] = sandbox.views(town.ann)
    assert shown["id"] == view["id"]
    assert shown["title"]["text"] == "Working"
    assert shown["hash"] != view["hash"]


def _views_at_the_limit() -> Sequence[Payload]:
    divider = {"type": "divider"}
    return (
        modal(*[divider] * 100),
        modal(title="x" * 24),
        modal(private_metadata="x" * 3_000),
        modal(submit=plain("x" * 24), close=plain("x" * 24)),
        modal(field("s", "static_select", options=options(*map(str, range(100))))),
    )


def _views_over_the_limit() -> Sequence[tuple[Payload, str]]:
    divider = {"type": "divider"}
    return (
        (modal(*[divider] * 101), "no more than 100 items"),
        (modal(title="x" * 25), "/view/title/text"),
        (modal(private_metadata="x" * 3_001), "/view/private_metadata"),
        (modal(submit=plain("x" * 25)), "/view/submit/text"),
        (modal(external_id="x" * 256), "/view/external_id"),
        (modal(field("b", "button", text=plain("x"))), "unsupported type: button"),
        (
            modal(field("s", "static_select", options=options(*map(str, range(101))))),
            "no more than 100 items",
        ),
        (
            modal(
                field(
                    "s",
                    "static_select",
                    options=options("a"),
                    initial_option=options("b")[0],
                )
            ),
            "initial_option",
        ),
        (modal(field("s", "static_select", options=[])), "options"),
    )


@pytest.mark.parametrize("view", _views_at_the_limit())
async def test_a_form_at_its_limit_is_taken(
    client: AsyncWebClient, town: Town, view: Payload
) -> None:
    assert (await opened(client, town, view))["hash"]


@pytest.mark.parametrize(("view", "words"), _views_over_the_limit())
async def test_a_form_over_its_limit_is_refused_in_slacks_words(
    client: AsyncWebClient, town: Town, view: Payload, words: str
) -> None:
    answer = await refusal(opened_call(client, town, view))

    assert answer["error"] == "invalid_arguments"
    assert words in answer["response_metadata"]["messages"][0]


async def opened_call(client: AsyncWebClient, town: Town, view: Payload) -> Any:
    trigger = town.workspace.triggers.new(town.ann)
    return await client.views_open(trigger_id=trigger, view=view)


async def test_a_view_of_more_than_250_kb_is_too_large(
    client: AsyncWebClient, town: Town
) -> None:
    text = {"type": "section", "text": plain("x" * 2_900)}
    call = opened_call(client, town, modal(*[text] * 90))

    assert await error_of(call) == "view_too_large"


async def test_a_name_of_the_apps_own_is_of_one_view_alone(
    client: AsyncWebClient, town: Town
) -> None:
    named = home({"type": "divider"}) | {"external_id": "ours"}
    await client.views_publish(user_id=town.ben, view=named)

    taken = opened_call(client, town, modal(external_id="ours"))
    assert await error_of(taken) == "duplicate_external_id"
    await client.views_update(external_id="ours", view=named)


async def test_the_home_is_published_when_it_is_opened_and_its_buttons_act(
    app: AsyncApp,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    events: list[Payload] = []
    bodies: list[Payload] = []
    button = {"type": "button", "action_id": "go", "text": plain("Go"), "value": "1"}

    @app.event("app_home_opened")
    async def look(event: Payload, client: AsyncWebClient) -> None:
        events.append(event)
        view = home({"type": "actions", "block_id": "b", "elements": [button]})
        if event["tab"] == "home":
            await client.views_publish(user_id=event["user"], view=view)

    @app.action("go")
    async def go(ack: AsyncAck, body: Payload) -> None:
        await ack()
        bodies.append(body)

    before = sandbox.open_home(by=town.ann)
    shown = await sandbox.wait_for(lambda: sandbox.home(town.ann) or {})
    await sandbox.click(action_id="go", by=town.ann, view_id=shown["id"])
    sandbox.open_home(by=town.ann)
    sandbox.open_home(by=town.ann, tab="messages")
    await sandbox.wait_for(lambda: len(events) == 3)

    assert before is None
    assert sandbox.home(town.ben) is None
    first, again, messages = sorted(events, key=lambda event: event["event_ts"])
    assert (first["user"], first["tab"], "view" in first) == (town.ann, "home", False)
    assert again["view"]["id"] == shown["id"]
    assert (messages["tab"], "view" in messages) == ("messages", False)
    [body] = bodies
    assert body["view"]["type"] == "home"
    assert body["container"] == {"type": "view", "view_id": shown["id"]}
    assert not {"channel", "message", "response_url"} & body.keys()


async def test_a_home_that_changed_meanwhile_is_guarded_by_its_hash(
    client: AsyncWebClient, town: Town
) -> None:
    view = home({"type": "divider"})
    first = await client.views_publish(user_id=town.ann, view=view)
    seen = first.data["view"]["hash"]  # type: ignore[call-overload]
    await client.views_publish(user_id=town.ann, view=view, hash=seen)
    stale = client.views_publish(user_id=town.ann, view=view, hash=seen)

    assert await error_of(stale) == "hash_conflict"


async def test_no_home_is_published_where_the_manifest_has_none(
    client: AsyncWebClient, town: Town
) -> None:
    town.workspace.manifest = replace(town.workspace.manifest, home_tab=False)

    call = client.views_publish(user_id=town.ann, view=home({"type": "divider"}))

    assert await error_of(call) == "not_enabled"
