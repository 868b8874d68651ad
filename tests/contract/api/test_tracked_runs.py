"""Runs that an outside CI performs."""

from runner.scripted import ScriptedEngine
from tests.contract.api.asking import NET, Api

APPLY = {"stack": NET, "command": "terraform apply"}


async def announced(api: Api, by: str = "ci") -> int:
    answer = await api.post("/tracked-runs", APPLY, by=by)
    assert answer.status == 201, answer.text
    run: int = answer.json["id"]
    return run


async def test_a_ci_announces_begins_is_alive_and_finishes(api: Api) -> None:
    made = await api.post("/tracked-runs", APPLY, key="job-1")
    again = await api.post("/tracked-runs", APPLY, key="job-1")
    begun = await api.post("/runs/1/begin")
    alive = await api.post("/runs/1/heartbeat", {"fence": begun.json["fence"]})
    over = await api.post(
        "/runs/1/finish", {"fence": begun.json["fence"], "exit_code": 3}
    )

    assert (made.status, again.status, again.json["id"]) == (201, 200, 1)
    assert (made.json["type"], made.json["outside"]) == ("tracked", True)
    assert made.json["state"] == "ready"
    assert (begun.status, begun.json["lease_seconds"]) == (200, 90)
    assert begun.json["run"]["state"] == alive.json["state"] == "performing"
    assert (over.json["state"], over.json["exit_code"]) == ("failed", 3)


async def test_only_the_announcing_key_is_shown_the_fence(api: Api) -> None:
    await api.make_key("other")
    await announced(api)
    begun = await api.post("/runs/1/begin")

    own = await api.get("/runs/1")
    foreign = await api.get("/runs/1", by="other")

    assert own.json["fence"] == begun.json["fence"]
    assert foreign.json["fence"] is None


async def test_a_run_that_is_not_ready_does_not_begin_and_asking_is_no_deed(
    api: Api, engine: ScriptedEngine
) -> None:
    await api.make_key("other")
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")
    run = await announced(api)

    early = await api.post(f"/runs/{run}/begin")
    waits = await api.post(f"/runs/{run}/heartbeat", {"fence": None})
    foreign = await api.post(f"/runs/{run}/begin", by="other")
    engine.release("sleep")

    assert early.error == (409, "too_late")
    assert foreign.error == (403, "not_allowed")
    assert await api.audited() == ["other not_allowed: begin"]
    assert (waits.json["state"], waits.json["queue_place"]) == ("queued", 1)


async def test_a_task_waits_while_an_outside_run_performs(
    api: Api, engine: ScriptedEngine
) -> None:
    run = await announced(api)
    begun = await api.post(f"/runs/{run}/begin")

    task = await api.task("date")
    await api.post(
        f"/runs/{run}/finish", {"fence": begun.json["fence"], "exit_code": 0}
    )

    assert task["state"] == "queued"
    assert (await api.ends(task["id"]))["state"] == "finished"


async def test_a_run_of_one_ci_is_not_spoken_for_by_another(api: Api) -> None:
    await api.make_key("other")
    await announced(api)

    answers = [
        await api.post("/runs/1/begin", by="other"),
        await api.post("/runs/1/heartbeat", {}, by="other"),
        await api.post("/runs/1/finish", {"fence": 1, "exit_code": 0}, by="other"),
    ]

    assert {answer.error for answer in answers} == {(403, "not_allowed")}


async def test_a_fence_of_another_claim_is_stale(api: Api) -> None:
    await announced(api)
    fence = (await api.post("/runs/1/begin")).json["fence"]

    beat = await api.post("/runs/1/heartbeat", {"fence": fence + 1})
    end = await api.post("/runs/1/finish", {"fence": fence + 1, "exit_code": 0})

    assert beat.error == end.error == (409, "stale")


async def test_a_run_that_is_over_takes_no_heartbeat(api: Api) -> None:
    await announced(api)
    fence = (await api.post("/runs/1/begin")).json["fence"]
    await api.post("/runs/1/finish", {"fence": fence, "exit_code": 0})

    beat = await api.post("/runs/1/heartbeat", {"fence": fence})
    again = await api.post("/runs/1/begin")
    same = await api.post("/runs/1/finish", {"fence": fence, "exit_code": 0})

    assert beat.error == again.error == (409, "too_late")
    assert same.json["state"] == "finished"


async def test_a_task_takes_neither_heartbeats_nor_an_end(api: Api) -> None:
    await api.ends((await api.task("date"))["id"])

    answers = [
        await api.post("/runs/1/begin"),
        await api.post("/runs/1/heartbeat", {}),
        await api.post("/runs/1/finish", {"fence": 1, "exit_code": 0}),
    ]

    assert all(answer.status in {403, 404, 409} for answer in answers)
