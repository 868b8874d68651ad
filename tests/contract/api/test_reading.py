"""Requests that are wrong in their form: each answered, none acted upon."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.api.endpoints import BASE
from tests.contract.api.asking import NET, Answer, Api

PLAN = {"stack": NET, "command": "terraform plan"}
JSON = {"Content-Type": "application/json"}


async def sent(api: Api, data: Any, **headers: str) -> Answer:
    return await api.ask("POST", "/tasks", data=data, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"terraform plan",
        b"{",
        b"{'stack': 'net-prod'}",
        b'{"stack": NaN}',
        b'{"stack": 1' + b"0" * 5000 + b"}",
        b"[" * 60_000,
        b'{"stack": "\xff"}',
        json.dumps(PLAN).encode("utf-16"),
    ],
)
async def test_a_body_that_is_not_json_is_refused(api: Api, body: bytes) -> None:
    assert (await sent(api, body)).error == (400, "not_json")


@pytest.mark.parametrize("body", [[], "x", 1, None, True])
async def test_a_body_that_is_no_object_is_refused(api: Api, body: Any) -> None:
    assert (await sent(api, json.dumps(body))).error == (422, "invalid")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=nonsense"},
    ],
)
async def test_only_plain_json_is_taken(api: Api, headers: dict[str, str]) -> None:
    refused = await sent(api, json.dumps(PLAN), **headers)

    assert refused.error == (415, "no_such_type")


async def test_a_compressed_body_is_refused(api: Api) -> None:
    packed = gzip.compress(json.dumps(PLAN).encode())

    refused = await sent(api, packed, **{"Content-Encoding": "gzip"})

    assert refused.error == (415, "no_such_type")


async def test_a_charset_that_is_utf_8_is_taken(api: Api) -> None:
    made = await sent(
        api, json.dumps(PLAN), **{"Content-Type": "application/json; charset=UTF-8"}
    )

    assert made.status == 201


async def test_a_field_that_is_given_twice_is_refused_by_its_name(api: Api) -> None:
    body = '{"stack": "net-prod", "command": "date", "command": "rm -rf /"}'

    refused = await sent(api, body)

    assert refused.error == (422, "invalid")
    assert refused.json["message"] == "command is given twice; give the field once."


async def test_a_field_that_nobody_knows_is_refused_by_its_name(api: Api) -> None:
    refused = await api.post("/tasks", PLAN | {"skip_init": True})

    assert refused.error == (422, "invalid")
    assert refused.json["message"] == "skip_init is not known here."
    assert await api.audited() == ["ci invalid: new_task"]


async def test_a_long_body_is_refused_by_its_length(api: Api) -> None:
    refused = await sent(api, b" " * (64 * 1024 + 1))

    assert refused.error == (413, "too_large")


async def test_ten_megabytes_that_are_streamed_are_refused_on_the_way(
    api: Api,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 64 * 1024

    refused = await sent(api, pieces())

    assert refused.error == (413, "too_large")
    assert (await api.get("/runs")).json["runs"] == []


async def test_the_longest_command_is_taken_however_it_is_escaped(api: Api) -> None:
    command = "echo " + "é" * 7_990

    made = await sent(api, json.dumps(PLAN | {"command": command}))

    assert made.status == 201
    assert made.json["command"] == command


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/tasks", "POST"), ("/runs", "GET, HEAD"), ("/holds", "GET, HEAD, POST")],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_another_method_is_refused_with_those_that_are_not(
    api: Api, method: str, path: str, allowed: str
) -> None:
    refused = await api.ask(method, path)

    assert refused.error == (405, "no_such_method")
    assert refused.headers["Allow"] == allowed


async def test_head_is_get_without_its_content(api: Api) -> None:
    await api.task("date")
    paths = ["/runs", "/runs/1", "/runs/1/output", "/runs/1/events", "/openapi.json"]

    answers = [await api.ask("HEAD", path) for path in paths]

    assert [answer.status for answer in answers] == [200] * 5
    assert [answer.text for answer in answers] == [""] * 5
    assert answers[3].headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "path", ["", "/", "/nowhere", "/runs/", "/runs/1/nowhere", "/tasks/1"]
)
async def test_a_path_that_is_none_is_answered_as_everything_else(
    api: Api, path: str
) -> None:
    refused = await api.get(path)

    assert refused.error == (404, "no_such_path")


@pytest.mark.parametrize(
    "run", ["0", "-1", "01", "x", "1.0", "9" * 30, "2147483648", "%00", "%D9%A1", "2"]
)
async def test_an_id_that_is_none_is_no_run(api: Api, run: str) -> None:
    await api.task("date")

    for path in (f"/runs/{run}", f"/runs/{run}/output", f"/runs/{run}/events"):
        assert (await api.get(path)).error == (404, "unknown_run")
    assert (await api.post(f"/runs/{run}/stop")).error == (404, "unknown_run")


@pytest.mark.parametrize(
    "name", ["%00", "net-prod%00", "x" * 101, "%F0%9F%92%A9" * 101]
)
async def test_a_name_that_no_stack_can_have_is_no_stack_and_not_stored(
    api: Api, name: str
) -> None:
    refused = await api.get(f"/stacks/{name}")

    assert refused.error == (404, "unknown_stack")
    assert len(refused.json["message"]) < 700
    assert await api.audited() == ["ci unknown_stack: stack"]
    assert (await api.bot.audit())[-1].deed.stack == ""


async def test_the_names_that_a_refused_hold_has_are_stored_in_short(api: Api) -> None:
    names = [f"{number:x>100}" for number in range(9)]

    refused = await api.post("/holds", {"stacks": names, "reason": "all"})

    assert refused.error == (404, "unknown_stack")
    assert len((await api.bot.audit())[-1].deed.stack) == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("token=x", "token is not known here."),
        ("limit=1&limit=2", "limit is given twice; give the parameter once."),
        ("limit=0", "limit should be greater than or equal to 1."),
        ("since=now", "since is not a time; write it as in 2026-01-31T12:00:00Z."),
        ("actor=%00", "actor has a NUL, or half a character, in it."),
    ],
)
async def test_a_wrong_parameter_is_refused_by_its_name(
    api: Api, query: str, said: str
) -> None:
    refused = await api.get(f"/runs?{query}")

    assert refused.error == (422, "invalid")
    assert refused.json["message"] == said


async def test_parameters_where_there_are_none_are_refused(api: Api) -> None:
    assert (await api.get("/runs/1?x=1")).error == (422, "invalid")
    assert (await api.get("/openapi.json?x=1", by="")).error == (422, "invalid")


@pytest.mark.parametrize("key", ["a b", "é", "x" * 201])
async def test_an_idempotency_key_is_short_and_visible(api: Api, key: str) -> None:
    assert (await api.post("/tasks", PLAN, key=key)).error == (422, "invalid")


async def test_every_answer_is_kept_by_nobody_and_readable_from_no_other_site(
    api: Api,
) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    answers = [
        await api.get("/runs", headers=origin),
        await api.get("/runs", by="", headers=origin),
        await api.get("/nowhere", headers=origin),
        await api.ask("OPTIONS", "/tasks", headers=origin),
        await api.get("/openapi.json", by="", headers=origin),
    ]

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5


async def test_the_document_is_served_to_anybody_and_names_what_is_served(
    api: Api,
) -> None:
    document = (await api.get("/openapi.json", by="")).json

    assert set(document["paths"]) == {
        f"{BASE}{path}"
        for path in (
            "/openapi.json",
            "/tasks",
            "/runs",
            "/runs/{id}",
            "/runs/{id}/output",
            "/runs/{id}/events",
            "/runs/{id}/stop",
            "/tracked-runs",
            "/runs/{id}/begin",
            "/runs/{id}/heartbeat",
            "/runs/{id}/finish",
            "/stacks",
            "/stacks/{name}",
            "/holds",
            "/holds/release",
        )
    }
    for path, operations in document["paths"].items():
        filled = path.removeprefix(BASE).format(id=1, name=NET)
        for method in operations:
            answer = await api.ask(method.upper(), filled)
            code = answer.json.get("error")
            assert code not in {"no_such_path", "no_such_method"}, path
