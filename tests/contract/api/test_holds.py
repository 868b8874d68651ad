"""Holds by API key."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.domain.people import Role
from bot.domain.stack import FromEnv
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import DB, NET, Api, an_api

BOTH = {"stacks": [NET, DB]}


async def held(api: Api, by: str = "ci") -> dict[str, str]:
    answer = await api.get("/holds", by=by)
    return {hold["stack"]: hold["actor"]["id"] for hold in answer.json["holds"]}


async def test_a_hold_keeps_others_from_starting_until_it_is_released(
    api: Api,
) -> None:
    await api.make_key("other")
    taken = await api.post("/holds", {"stacks": [NET], "reason": "moving state"})

    refused = await api.post("/tasks", {"stack": NET, "command": "date"}, by="other")
    own = await api.post("/tasks", {"stack": NET, "command": "date"})
    released = await api.post("/holds/release", {"stacks": [NET]})
    after = await api.post("/tasks", {"stack": NET, "command": "date"}, by="other")

    assert (taken.status, refused.error) == (201, (409, "held"))
    assert "moving state" in refused.json["message"]
    assert (own.status, released.status, after.status) == (201, 200, 201)
    assert await held(api) == {}


async def test_a_hold_with_a_duration_ends_by_itself(api: Api) -> None:
    taken = await api.post("/holds", {"stacks": [NET], "duration_seconds": 3600})

    (hold,) = taken.json["holds"]
    lasts = datetime.fromisoformat(hold["until"]) - datetime.fromisoformat(
        hold["since"]
    )
    assert abs(lasts - timedelta(hours=1)) < timedelta(seconds=1)


async def test_several_stacks_are_held_all_or_none(api: Api) -> None:
    await api.make_key("other")
    await api.post("/holds", {"stacks": [DB]}, by="other")

    refused = await api.post("/holds", BOTH)
    unknown = await api.post("/holds", {"stacks": [NET, "nowhere"]})

    assert refused.error == (409, "held")
    assert unknown.error == (404, "unknown_stack")
    assert "'nowhere'" in unknown.json["message"]
    assert await held(api) == {DB: "other"}


async def test_a_hold_of_another_is_released_by_an_admin_who_says_why(
    api: Api,
) -> None:
    await api.make_key("other")
    await api.make_key("admin", Role.ADMIN)
    await api.post("/holds", BOTH)

    by_writer = await api.post("/holds/release", BOTH | {"reason": "x"}, by="other")
    unsaid = await api.post("/holds/release", BOTH, by="admin")
    said = await api.post("/holds/release", BOTH | {"reason": "x"}, by="admin")

    assert by_writer.error == (409, "held")
    assert unsaid.status in {409, 422}
    assert said.status == 200
    assert {hold["stack"] for hold in said.json["holds"]} == {NET, DB}


async def test_releasing_what_nobody_holds_releases_nothing(api: Api) -> None:
    released = await api.post("/holds/release", BOTH)

    assert (released.status, released.json) == (200, {"holds": []})


async def test_a_reader_holds_nothing(api: Api) -> None:
    await api.make_key("reader", Role.READER)

    refused = await api.post("/holds", BOTH, by="reader")

    assert refused.error == (403, "not_allowed")
    assert "reader not_allowed: hold" in await api.audited()


async def test_holds_of_other_stacks_are_not_shown_but_a_freeze_is(api: Api) -> None:
    await api.make_key("net", stacks=(NET,))
    await api.post("/holds", BOTH)
    card = await api.bot.task("net-prod", by="ada")
    await api.bot.reply("freeze: an incident", to=card, by="ada")
    await api.bot.tells(card, "an incident")

    refused = await api.post("/tasks", {"stack": NET, "command": "date"}, by="net")

    assert set(await held(api, by="net")) == {"*", NET}
    assert set(await held(api)) == {"*", NET, DB}
    assert refused.error == (409, "held")


async def test_a_secret_in_a_reason_is_masked(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    async with an_api(tmp_path, engine) as api:
        secret = {"PASSWORD": FromEnv(variable="NET_PASSWORD")}
        api.bot.stacks[NET] = replace(api.bot.stacks[NET], secrets=secret)
        api.bot.environ["NET_PASSWORD"] = "swordfish-99"
        async with api.bot.start():
            await api.make_key("ci")

            taken = await api.post("/holds", BOTH | {"reason": "is swordfish-99"})

    assert [hold["reason"] for hold in taken.json["holds"]] == ["is *****"] * 2
