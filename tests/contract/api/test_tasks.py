"""Tasks by API key: made, made once, refused."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.domain.people import Role
from bot.domain.stack import FromEnv
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import DB, NET, Api, an_api
from tests.support.bot import a_stack

PLAN = {"stack": NET, "command": "terraform plan"}


async def test_a_task_is_made_performed_and_told_as_the_keys(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.prepare("terraform plan", b"no changes\n")

    made = await api.post("/tasks", PLAN)
    over = await api.ends(made.json["id"])

    assert (made.status, made.headers["Location"]) == (201, "/api/v1/runs/1")
    assert made.json["actor"] == {"kind": "api_key", "id": "ci", "name": "api::ci"}
    assert (over["state"], over["exit_code"]) == ("finished", 0)
    await api.bot.ends(1)
    assert "api::ci" in api.bot.root(api.bot.roots()[-1]["ts"])


async def test_initialization_is_skipped_where_that_is_asked(
    api: Api, engine: ScriptedEngine
) -> None:
    made = await api.post("/tasks", PLAN | {"skip_initialization": True})
    await api.ends(1)

    assert made.json["skip_initialization"] is True
    assert "terraform init" not in str(engine.jobs[0])


async def test_a_request_that_comes_again_is_the_same_run(api: Api) -> None:
    first = await api.post("/tasks", PLAN, key="a-1")
    second = await api.post("/tasks", PLAN, key="a-1")

    assert (first.status, second.status) == (201, 200)
    assert first.json["id"] == second.json["id"] == 1
    assert second.headers["Location"] == "/api/v1/runs/1"


async def test_an_idempotency_key_with_another_body_is_refused(api: Api) -> None:
    await api.post("/tasks", PLAN, key="a-1")

    other = await api.post("/tasks", PLAN | {"command": "date"}, key="a-1")
    tracked = await api.post("/tracked-runs", PLAN, key="a-1")

    assert other.error == tracked.error == (409, "conflict")
    assert len((await api.get("/runs")).json["runs"]) == 1


async def test_idempotency_keys_of_two_api_keys_have_nothing_to_do_with_each_other(
    api: Api,
) -> None:
    await api.make_key("other")

    await api.post("/tasks", PLAN, key="a-1")
    second = await api.post("/tasks", PLAN, key="a-1", by="other")

    assert (second.status, second.json["id"]) == (201, 2)


async def test_the_same_request_many_times_at_once_is_one_run(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.post("/tasks", PLAN, key="a-1") for _ in range(12))
    )

    assert {answer.json["id"] for answer in answers} == {1}
    assert {answer.status for answer in answers} <= {200, 201}


async def test_a_request_that_comes_again_is_its_run_though_the_stack_is_held_now(
    api: Api,
) -> None:
    await api.make_key("other")
    await api.post("/tasks", PLAN, key="a-1")
    await api.post("/holds", {"stacks": [NET]}, by="other")

    again = await api.post("/tasks", PLAN, key="a-1")
    new = await api.post("/tasks", PLAN, key="a-2")

    assert (again.status, again.json["id"]) == (200, 1)
    assert new.error == (409, "held")


async def test_a_second_task_waits_and_says_its_place(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")

    second = await api.task("date")
    third = await api.task("date")

    assert [run["state"] for run in (second, third)] == ["queued", "queued"]
    assert [run["queue_place"] for run in (second, third)] == [1, 2]
    engine.release("sleep")
    assert (await api.ends(3))["queue_place"] is None


async def test_a_reader_may_not_run_anything(api: Api) -> None:
    await api.make_key("reader", Role.READER)

    refused = await api.post("/tasks", PLAN, by="reader")

    assert refused.error == (403, "not_allowed")
    assert "is no writer of net-prod" in refused.json["message"]
    assert "reader not_allowed: task terraform plan" in await api.audited()


async def test_a_stack_of_others_does_not_exist_for_a_key(api: Api) -> None:
    await api.make_key("net", stacks=(NET,))

    foreign = await api.post("/tasks", {"stack": DB, "command": "date"}, by="net")
    nowhere = await api.post("/tasks", {"stack": "db-prud", "command": "date"}, "net")

    assert foreign.error == nowhere.error == (404, "unknown_stack")
    assert nowhere.json["message"] == foreign.json["message"].replace(DB, "db-prud")
    assert "It knows: net-prod." in foreign.json["message"]


async def test_a_command_that_is_none_is_refused(api: Api) -> None:
    refused = await api.post("/tasks", PLAN | {"command": "echo 'a"})

    assert refused.error == (422, "bad_command")


async def test_a_stack_without_a_channel_has_no_place_for_the_record(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    async with an_api(tmp_path, engine) as api:
        api.bot.stacks[NET] = replace(api.bot.stacks[NET], channel=None)
        async with api.bot.start():
            await api.make_key("ci")

            refused = await api.post("/tasks", PLAN)

    assert refused.error == (409, "channel")


async def test_a_key_that_is_refused_all_the_time_does_not_fill_the_record(
    api: Api,
) -> None:
    await api.make_key("reader", Role.READER)
    for _ in range(31):
        await api.post("/tasks", PLAN, by="reader")
        await api.post("/tasks", {}, by="reader")

    await api.get("/runs/7")

    audited = await api.audited()
    assert audited[58:60] == [
        "reader not_allowed: task terraform plan",
        "reader invalid: new_task",
    ]
    assert audited[60:] == [
        "reader too_often: and more refused in this minute",
        "ci unknown_run: run",
    ]


async def test_a_secret_in_a_command_is_refused_and_kept_nowhere(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    stack = a_stack(NET, secrets={"PASSWORD": FromEnv(variable="NET_PASSWORD")})
    async with an_api(tmp_path, engine, stack) as api:
        api.bot.environ["NET_PASSWORD"] = "swordfish-99"
        async with api.bot.start():
            await api.make_key("ci")

            refused = await api.post("/tasks", PLAN | {"command": "echo swordfish-99"})
            audited = await api.audited()

    assert refused.error == (422, "unsafe")
    assert "swordfish" not in refused.text + str(audited)
    assert audited == ["ci unsafe: task echo *****"]
