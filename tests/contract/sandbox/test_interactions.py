import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.triggers import Triggers
from bot.sandbox.values import MethodError, Payload
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town

BUTTONS = [
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "stop",
                "value": "run-1",
                "text": {"type": "plain_text", "text": "Stop"},
            }
        ],
    }
]


def plain(text: str) -> Payload:
    return {"type": "plain_text", "text": text}


def form(title: str = "Run a task") -> Payload:
    options = [{"text": plain("net"), "value": "net"}]
    return {
        "type": "modal",
        "callback_id": "task",
        "title": plain(title),
        "submit": plain("Run"),
        "blocks": [
            {
                "type": "input",
                "block_id": "stack",
                "label": plain("Stack"),
                "element": {
                    "type": "static_select",
                    "action_id": "stack",
                    "options": options,
                },
            },
            {
                "type": "input",
                "block_id": "command",
                "label": plain("Command"),
                "element": {"type": "plain_text_input", "action_id": "command"},
            },
        ],
    }


async def test_a_click_reaches_the_app_with_its_message(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    bodies: list[Payload] = []

    @app.action("stop")
    async def stop(ack: AsyncAck, body: Payload) -> None:
        await ack()
        bodies.append(body)

    posted = await client.chat_postMessage(
        channel=town.infra, text="run", blocks=BUTTONS
    )
    ts = posted["ts"]

    answer = await sandbox.click(
        action_id="stop", by=town.ann, channel=town.infra, message_ts=ts
    )

    assert answer.ok
    [body] = bodies
    assert body["actions"][0]["value"] == "run-1"
    assert (body["user"]["id"], body["user"]["team_id"]) == (town.ann, "T0SANDBOX")
    assert body["message"]["ts"] == body["container"]["message_ts"] == ts


async def test_a_click_on_what_only_one_sees_brings_no_message(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    bodies: list[Payload] = []

    @app.action("stop")
    async def stop(ack: AsyncAck, body: Payload) -> None:
        await ack()
        bodies.append(body)

    posted = await client.chat_postEphemeral(
        channel=town.infra, user=town.ann, text="busy", blocks=BUTTONS
    )
    ts = posted["message_ts"]
    place = {"action_id": "stop", "channel": town.infra, "message_ts": ts}

    with pytest.raises(MethodError, match="message_not_found"):
        await sandbox.click(by=town.ben, **place)
    assert (await sandbox.click(by=town.ann, **place)).ok

    [body] = bodies
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": town.infra,
        "is_ephemeral": True,
    }
    assert body["channel"]["id"] == town.infra
    assert body["actions"][0]["value"] == "run-1"
    assert body["response_url"]
    assert body["trigger_id"]
    assert "message" not in body


async def test_a_response_replaces_and_deletes_the_clicked_message(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    answers = iter([{"text": "stopped", "replace_original": True, "blocks": BUTTONS}])

    @app.action("stop")
    async def stop(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(**next(answers, {"delete_original": True}))

    await client.chat_postEphemeral(
        channel=town.infra, user=town.ann, text="busy", blocks=BUTTONS
    )

    async def click() -> None:
        [shown] = sandbox.ephemerals(town.ann)
        await sandbox.click(
            action_id="stop", by=town.ann, channel=town.infra, message_ts=shown["ts"]
        )

    await click()
    await sandbox.wait_for(lambda: sandbox.ephemerals(town.ann)[0]["text"] == "stopped")
    await click()
    await sandbox.wait_for(lambda: not sandbox.ephemerals(town.ann))


async def test_a_response_url_works_five_times_even_outside_the_channel(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    urls: list[str] = []
    elsewhere = town.workspace.add_channel("open", members=[town.ann], bot=False)

    @app.command("/task")
    async def task(ack: AsyncAck, command: Payload) -> None:
        await ack()
        urls.append(command["response_url"])

    await sandbox.slash("/task x", by=town.ann, channel=elsewhere)
    bodies: list[Payload] = [
        {"text": "only you"},
        {"text": "all", "response_type": "in_channel"},
        {"text": "more"},
        {"text": ""},
        {"text": "last"},
        {"text": "too many"},
    ]
    async with aiohttp.ClientSession() as session:
        statuses = [(await session.post(urls[0], json=b)).status for b in bodies]

    assert statuses == [200, 200, 200, 400, 200, 404]
    only = [m["text"] for m in sandbox.ephemerals(town.ann)]
    assert only == ["only you", "more", "last"]
    assert [m["text"] for m in sandbox.messages(elsewhere)] == ["all"]


async def test_a_form_opens_once_per_trigger_and_submits(
    app: AsyncApp,
    connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    triggers: list[str] = []
    submitted: list[Payload] = []

    @app.command("/task")
    async def task(ack: AsyncAck, command: Payload) -> None:
        await ack()
        triggers.append(command["trigger_id"])
        await client.views_open(trigger_id=command["trigger_id"], view=form())

    @app.view("task")
    async def submit(ack: AsyncAck, view: Payload) -> None:
        values = view["state"]["values"]
        if values["command"]["command"]["value"] == "bad":
            await ack(response_action="errors", errors={"command": "No."})
            return
        await ack()
        submitted.append(values)

    await sandbox.slash("/task", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: sandbox.views(town.ann))
    view = sandbox.views(town.ann)[0]["id"]
    again = client.views_open(trigger_id=triggers[0], view=form())
    assert await error_of(again) == "exchanged_trigger_id"

    empty = await sandbox.submit(view, {"stack": {"stack": "net"}}, by=town.ann)
    filled = {"stack": {"stack": "net"}, "command": {"command": "bad"}}
    refused = await sandbox.submit(view, filled, by=town.ann)
    filled["command"]["command"] = "plan"
    accepted = await sandbox.submit(view, filled, by=town.ann)

    assert empty.errors == {"command": "Please complete this required field."}
    assert refused.errors == {"command": "No."}
    assert accepted.ok
    assert submitted[0]["stack"]["stack"]["selected_option"]["value"] == "net"
    assert sandbox.views(town.ann) == []


async def test_what_is_typed_into_a_form_comes_as_it_was_typed(
    app: AsyncApp,
    connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    submitted: list[Payload] = []
    typed = 'a < b && c > d, `x` &amp; <@U0BEN> -- "q"'

    @app.view("task")
    async def submit(ack: AsyncAck, view: Payload) -> None:
        await ack()
        submitted.append(view)

    trigger = town.workspace.triggers.new(town.ann)
    metadata = f"{town.infra}|<1.2>&"
    view = {**form(), "private_metadata": metadata}
    await client.views_open(trigger_id=trigger, view=view)
    values = {"stack": {"stack": "net"}, "command": {"command": typed}}
    answer = await sandbox.submit(sandbox.views(town.ann)[0]["id"], values, by=town.ann)

    assert answer.ok
    [view] = submitted
    assert view["state"]["values"]["command"]["command"]["value"] == typed
    assert view["private_metadata"] == metadata


async def test_a_form_sent_back_without_a_place_for_its_errors_is_trouble(
    app: AsyncApp,
    connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    errors: list[dict[str, str]] = [{"nowhere": "No."}, {}]

    @app.view("task")
    async def submit(ack: AsyncAck) -> None:
        await ack({"response_action": "errors", "errors": errors.pop(0)})

    trigger = town.workspace.triggers.new(town.ann)
    await client.views_open(trigger_id=trigger, view=form())
    [view] = sandbox.views(town.ann)
    values = {"stack": {"stack": "net"}, "command": {"command": "x"}}

    for _ in range(2):
        answer = await sandbox.submit(view["id"], values, by=town.ann)
        assert answer.error == "We had some trouble connecting. Try again?"
    assert sandbox.views(town.ann) == [view]


async def test_a_form_that_opens_too_late_is_refused(
    client: AsyncWebClient, town: Town
) -> None:
    now = [0.0]
    town.workspace.triggers = Triggers(clock=lambda: now[0])
    early, late = (town.workspace.triggers.new(town.ann) for _ in range(2))

    now[0] = 3.0
    await client.views_open(trigger_id=early, view=form())
    now[0] = 3.1
    too_late = client.views_open(trigger_id=late, view=form())

    assert await error_of(too_late) == "expired_trigger_id"


async def test_a_form_with_inputs_needs_a_button_that_submits_it(
    client: AsyncWebClient, town: Town
) -> None:
    view = {name: part for name, part in form().items() if name != "submit"}
    trigger = town.workspace.triggers.new(town.ann)

    answer = await refusal(client.views_open(trigger_id=trigger, view=view))

    assert answer["error"] == "invalid_arguments"
    assert "submit" in answer["response_metadata"]["messages"][0]


async def test_views_are_updated_pushed_and_guarded(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    def trigger() -> str:
        return town.workspace.triggers.new(town.ann)

    opened = (await client.views_open(trigger_id=trigger(), view=form()))["view"]
    await client.views_update(view_id=opened["id"], view=form("Run"), hash="")
    stale = client.views_update(
        view_id=opened["id"], view=form("Again"), hash=opened["hash"]
    )
    assert await error_of(stale) == "hash_conflict"
    for _ in range(2):
        await client.views_push(trigger_id=trigger(), view=form())
    fourth = client.views_push(trigger_id=trigger(), view=form())

    assert await error_of(fourth) == "push_limit_reached"
    titles = [view["title"]["text"] for view in sandbox.views(town.ann)]
    assert titles == ["Run", "Run a task", "Run a task"]
    assert await error_of(client.views_update(view_id="V0", view=form())) == "not_found"
    bogus = client.views_open(trigger_id="1.2", view=form())
    assert await error_of(bogus) == "invalid_trigger_id"
    long = client.views_open(trigger_id=trigger(), view=form("x" * 25))
    assert await error_of(long) == "invalid_arguments"
