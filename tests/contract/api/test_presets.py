"""Presets by API key: called by their name, with what is said for their parameters."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.people import Role
from bot.domain.preset import Choice, Parameter, Pattern, Preset
from bot.domain.rule import ApprovalRule
from bot.domain.stack import FromEnv
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import NET, Api, an_api
from tests.support.bot import a_stack

SECRET = "swordfish-99"
RESTART = Preset(
    name="restart",
    command='./restart "$PARAM_SERVICE"',
    parameters={
        "service": Parameter(name="service", kind=Choice(of=("api", "worker"))),
        "note": Parameter(name="note", kind=Pattern(pattern="(?s).*"), default=""),
    },
    skip_init=True,
)
CALL = {"stack": NET, "preset": "restart", "parameters": {"service": "api"}}


def environment(given: Mapping[str, str]) -> bytes:
    return json.dumps({k: v for k, v in given.items() if "PARAM_" in k}).encode()


@pytest.fixture
async def idle(tmp_path: Path, engine: ScriptedEngine) -> AsyncIterator[Api]:
    stack = a_stack(
        NET,
        presets={"restart": RESTART},
        secrets={"PASSWORD": FromEnv(variable="NET_PASSWORD")},
    )
    engine.prepare(RESTART.command, environment)
    async with an_api(tmp_path, engine, stack) as api:
        api.bot.environ["NET_PASSWORD"] = SECRET
        yield api


@pytest.fixture
async def api(idle: Api) -> AsyncIterator[Api]:
    async with idle.bot.start() as idle.bot.handrail:
        await idle.make_key("ci")
        yield idle


async def test_a_preset_is_run_and_answered_with_its_parameters(api: Api) -> None:
    given = {"service": "api", "note": '$(reboot) "x"\n'}

    made = await api.post("/tasks", CALL | {"parameters": given})
    over = await api.ends(made.json["id"])
    output = await api.get(f"/runs/{over['id']}/output")

    assert made.status == 201
    for run in (made.json, over, (await api.get("/runs")).json["runs"][0]):
        assert run["preset"] == "restart"
        assert run["parameters"] == given
        assert run["command"] == RESTART.command
        assert run["skip_initialization"] is True
    assert over["state"] == "finished"
    assert json.loads(output.text) == {
        "PARAM_SERVICE": "api",
        "PARAM_NOTE": '$(reboot) "x"\n',
    }


async def test_a_task_is_answered_with_no_preset(api: Api) -> None:
    run = await api.task("date")

    assert (run["preset"], run["parameters"]) == (None, {})


async def test_a_request_that_comes_again_is_the_same_run(api: Api) -> None:
    given = {"service": "api", "note": "x"}
    turned = dict(reversed(given.items()))

    first = await api.post("/tasks", CALL | {"parameters": given}, key="a-1")
    again = await api.post("/tasks", CALL | {"parameters": turned}, key="a-1")
    other = await api.post("/tasks", CALL, key="a-1")

    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert other.error == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": {}}, "`service` is missing"),
        ({"parameters": {"service": "$(reboot)"}}, "`service` cannot be '$(reboot)'"),
        ({"parameters": {"service": "api", "x": "1"}}, "no parameter 'x'"),
        (
            {"parameters": {"service": "api", "note": "x" * 10_000}},
            "`note` has 10,000 characters",
        ),
        ({"preset": "restrat"}, "Did you mean !restart?"),
    ],
)
async def test_what_is_wrong_is_refused_with_a_sentence(
    api: Api, changes: dict[str, Any], words: str
) -> None:
    refused = await api.post("/tasks", CALL | changes)

    assert refused.error == (422, "bad_command")
    assert words in refused.json["message"]
    assert (await api.get("/runs")).json["runs"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"stack": NET},
        CALL | {"command": "date"},
        CALL | {"skip_initialization": True},
        {"stack": NET, "command": "date", "parameters": {"service": "api"}},
        CALL | {"parameters": {"service": 1}},
    ],
)
async def test_a_body_that_is_neither_a_command_nor_a_preset_is_refused(
    api: Api, body: dict[str, Any]
) -> None:
    refused = await api.post("/tasks", body)

    assert refused.error == (422, "invalid")


async def test_a_reader_runs_no_preset(api: Api) -> None:
    await api.make_key("reader", Role.READER)

    refused = await api.post("/tasks", CALL, by="reader")

    assert refused.error == (403, "not_allowed")
    assert "reader not_allowed: task !restart service=api" in await api.audited()


async def test_a_secret_in_a_parameter_is_refused_and_kept_nowhere(api: Api) -> None:
    given = {"service": "api", "note": f"x{SECRET}"}

    refused = await api.post("/tasks", CALL | {"parameters": given})

    assert refused.error == (422, "unsafe")
    audited = await api.audited()
    assert SECRET not in refused.text + str(audited)
    assert audited == ["ci unsafe: task !restart service=api note=x*****"]


async def test_what_waits_for_people_says_who_has_to_agree(idle: Api) -> None:
    bot = idle.bot
    asks = replace(RESTART, approvals=ApprovalRule(count=1))
    bot.stacks = {
        name: replace(it, presets={"restart": asks}) for name, it in bot.stacks.items()
    }
    async with bot.start() as bot.handrail:
        await idle.make_key("ci")
        run = (await idle.post("/tasks", CALL)).json["id"]
        ts = await bot.sandbox.wait_for(lambda: [m["ts"] for m in bot.roots()])
        await bot.tells(ts[0], "It waits for approval")
        waiting = (await idle.get(f"/runs/{run}")).json
        await bot.reply("approve", to=ts[0], by="ann")
        over = await idle.ends(run)

    assert (waiting["state"], waiting["approval"]) == ("queued", "pending")
    assert "agree" in waiting["approval_note"]
    assert waiting["approval_expires"] is not None
    assert (over["state"], over["approval"]) == ("finished", "approved")


async def test_where_tasks_are_denied_a_preset_is_run_all_the_same(idle: Api) -> None:
    bot = idle.bot
    bot.stacks = {name: replace(it, deny_tasks=True) for name, it in bot.stacks.items()}
    async with bot.start() as bot.handrail:
        await idle.make_key("ci")

        task = await idle.post("/tasks", {"stack": NET, "command": "date"})
        preset = await idle.post("/tasks", CALL)

    assert task.error == (403, "policy")
    assert preset.status == 201
