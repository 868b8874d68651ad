"""Runs and their output, as keys read them."""

import asyncio
import logging

import pytest

from bot.domain.people import Role
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import DB, NET, Api


async def ids(api: Api, query: str = "", by: str = "ci") -> list[int]:
    answer = await api.get(f"/runs{query}", by=by)
    assert answer.status == 200, answer.text
    return [run["id"] for run in answer.json["runs"]]


async def test_the_history_is_read_page_by_page_newest_first(api: Api) -> None:
    for _ in range(5):
        await api.task("date")

    first = (await api.get("/runs?limit=2")).json
    second = (await api.get(f"/runs?limit=2&before={first['next']}")).json
    third = (await api.get(f"/runs?limit=2&before={second['next']}")).json

    pages = [[run["id"] for run in page["runs"]] for page in (first, second, third)]
    assert pages == [[5, 4], [3, 2], [1]]
    assert third["next"] is None


async def test_a_full_last_page_has_no_next(api: Api) -> None:
    await api.task("date")
    await api.task("date")

    assert (await api.get("/runs?limit=2")).json["next"] is None


async def test_the_history_is_filtered(api: Api, engine: ScriptedEngine) -> None:
    engine.prepare("false", code=1)
    await api.make_key("other")
    await api.ends((await api.task("false"))["id"])
    await api.ends((await api.task("date", by="other", stack=DB))["id"])
    third = await api.post("/tracked-runs", {"stack": DB, "command": "apply"})

    created = third.json["created_at"]
    assert await ids(api, f"?stack={DB}") == [3, 2]
    assert await ids(api, "?type=tracked") == [3]
    assert await ids(api, "?state=failed") == [1]
    assert await ids(api, "?actor=other") == [2]
    assert await ids(api, f"?since={created}") == [3]
    assert await ids(api, f"?until={created}") == [2, 1]
    assert await ids(api, f"?stack={DB}&state=failed") == []


async def test_a_failed_run_says_why(api: Api, engine: ScriptedEngine) -> None:
    engine.prepare("false", code=7)

    over = await api.ends((await api.task("false"))["id"])

    assert (over["state"], over["reason"], over["exit_code"]) == (
        "failed",
        "exit_code",
        7,
    )


async def test_runs_of_other_stacks_do_not_exist_for_a_key(api: Api) -> None:
    await api.make_key("net", Role.ADMIN, stacks=(NET,))
    await api.task("date", stack=DB)
    await api.task("date", stack=NET)

    foreign = [
        await api.get("/runs/1", by="net"),
        await api.get("/runs/1/output", by="net"),
        await api.get("/runs/1/events", by="net"),
        await api.post("/runs/1/stop", by="net"),
        await api.post("/runs/1/begin", by="net"),
        await api.post("/runs/1/heartbeat", {}, by="net"),
        await api.post("/runs/1/finish", {"fence": 1, "exit_code": 0}, by="net"),
    ]
    nowhere = await api.get("/runs/9", by="net")

    assert {answer.error for answer in foreign} == {(404, "unknown_run")}
    assert nowhere.json["message"] == foreign[0].json["message"].replace("1", "9")
    assert await ids(api, by="net") == [2]
    assert (await api.get(f"/runs?stack={DB}", by="net")).error == (
        404,
        "unknown_stack",
    )


async def test_a_run_made_in_slack_is_read_as_any_other(api: Api) -> None:
    await api.bot.task("net-prod terraform plan")
    await api.bot.ends(1)

    run = (await api.get("/runs/1")).json

    assert run["actor"]["kind"] == "person"
    assert (run["command"], run["state"]) == ("terraform plan", "finished")
    assert run["image_digest"].startswith("sha256:")


async def test_the_whole_output_is_read_as_text(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.prepare("cat", "größer € \U0001f30d\n".encode() * 20_000 + b"\xff\xe2\x82")
    await api.ends((await api.task("cat"))["id"])

    answer = await api.get("/runs/1/output")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "größer € \U0001f30d\n" * 20_000 + "\ufffd\ufffd"


async def test_output_that_was_dropped_is_said_to_be_gone(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.prepare("cat", b"old")
    ended = await api.ends((await api.task("cat"))["id"])
    assert ended["output_dropped_at"] is None
    await api.drop_output(ended["id"])

    answer = await api.get("/runs/1/output")
    run = await api.get("/runs/1")

    assert answer.error == (410, "dropped")
    assert "The output of run 1 was dropped on " in answer.json["message"]
    assert run.json["output_dropped_at"] is not None


async def test_a_run_without_output_has_an_empty_one(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")

    answer = await api.get("/runs/1/output")
    engine.release("sleep")

    assert (answer.status, answer.text) == (200, "")


async def test_a_queued_run_is_discarded_by_stop(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")
    second = await api.task("date")

    stopped = await api.post(f"/runs/{second['id']}/stop")
    again = await api.post(f"/runs/{second['id']}/stop")
    engine.release("sleep")

    assert (stopped.status, stopped.json["state"]) == (200, "discarded")
    assert (again.status, again.json["state"]) == (200, "discarded")


async def test_a_run_that_initializes_is_stopped(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("terraform init", block=True)
    await api.task("date")
    await engine.reached("terraform init")

    asked = await api.post("/runs/1/stop")
    over = await api.ends(1)

    assert asked.json["stop_asked_by"]["name"] == "api::ci"
    assert over["state"] == "stopped"


async def test_a_run_that_performs_is_not_stopped_by_anyone(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")

    refused = await api.post("/runs/1/stop")
    engine.release("sleep")

    assert refused.error == (409, "too_late")
    assert (await api.ends(1))["state"] == "finished"


async def test_a_reader_stops_nothing(api: Api, engine: ScriptedEngine) -> None:
    await api.make_key("reader", Role.READER)
    engine.on("sleep", block=True)
    await api.task("sleep")

    refused = await api.post("/runs/1/stop", by="reader")
    engine.release("sleep")

    assert refused.error == (403, "not_allowed")
    assert "reader not_allowed: stop" in await api.audited()


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER, Role.ADMIN])
async def test_a_key_reads_which_stacks_it_knows(api: Api, role: Role) -> None:
    await api.make_key("net", role, stacks=(NET,))

    answer = await api.get("/stacks", by="net")

    assert answer.json == {"stacks": [{"name": NET, "role": role.name.lower()}]}


async def test_a_stack_says_who_has_it_and_what_waits(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")
    await api.task("date")
    await api.task("date")
    await api.post("/holds", {"stacks": [NET], "reason": "moving state"})

    busy = (await api.get(f"/stacks/{NET}")).json
    free = (await api.get(f"/stacks/{DB}")).json
    engine.release("sleep")

    assert (busy["running"]["id"], busy["running"]["state"]) == (1, "performing")
    assert [(r["id"], r["queue_place"]) for r in busy["queue"]] == [(2, 1), (3, 2)]
    assert (busy["hold"]["reason"], busy["freeze"]) == ("moving state", None)
    assert free == {
        "name": DB,
        "role": "writer",
        "running": None,
        "hold": None,
        "freeze": None,
        "queue": [],
    }


async def test_a_stack_that_is_none_is_not_found(api: Api) -> None:
    for name in ("nowhere", "%00", "net%2Fprod", "x" * 500):
        assert (await api.get(f"/stacks/{name}")).error == (404, "unknown_stack")


async def test_a_reader_who_leaves_amid_the_output_is_no_error(
    api: Api,
    engine: ScriptedEngine,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    engine.prepare("cat", (b"x" * 79 + b"\n") * 200_000)
    await api.ends((await api.task("cat"))["id"])

    response = await api.open("GET", "/runs/1/output")
    await response.content.read(1)
    response.close()
    printed = ""
    async with asyncio.timeout(20):
        while "endpoint=output" not in printed:
            await api.get("/runs")
            printed += "".join(capfd.readouterr())

    assert "output reader gone" in printed
    assert "Error handling request" not in printed + caplog.text
