"""Who is let in: the bearer of a valid key, from where it may be used."""

import asyncio
import ipaddress
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.people import Role
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import ADA, NET, Api, a_running_api

WRONG = f"Bearer hr_0123456789abcdef_{'x' * 43}"


async def test_without_a_key_nothing_is_answered(api: Api) -> None:
    refused = await api.get("/runs", by="")

    assert refused.error == (401, "bad_key")
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="handrail"'
    assert "handrail key create" in refused.json["message"]


@pytest.mark.parametrize("shown", [WRONG, "Bearer x", "Basic YTpi", "hr_1_2", ""])
async def test_a_wrong_key_opens_nothing(api: Api, shown: str) -> None:
    refused = await api.get("/runs", by="", headers={"Authorization": shown})

    assert refused.error == (401, "bad_key")
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


async def test_the_public_part_of_a_key_without_its_secret_opens_nothing(
    api: Api,
) -> None:
    public = api.keys["ci"].split("_")[1]
    shown = {"Authorization": f"Bearer hr_{public}_{'x' * 43}"}

    refused = await api.get("/runs", by="", headers=shown)

    assert refused.error == (401, "bad_key")
    assert "ci" not in refused.json["message"]


async def test_a_revoked_key_opens_nothing_and_is_told_so(api: Api) -> None:
    assert (await api.get("/runs")).status == 200
    async with api.store() as keys:
        await keys.revoke("ci", ADA, datetime.now(UTC))

    refused = await api.get("/runs")

    assert refused.error == (401, "bad_key")
    assert refused.json["message"].startswith("The API key ci was revoked.")
    assert "ci bad_key: runs, from 127.0.0.1" in await api.audited()


async def test_an_expired_key_opens_nothing_and_is_told_so(api: Api) -> None:
    await api.make_key("old", expires_at=datetime.now(UTC) - timedelta(seconds=1))

    refused = await api.get("/runs", by="old")

    assert refused.error == (401, "bad_key")
    assert refused.json["message"].startswith("The API key old has expired.")


async def test_a_key_is_refused_from_another_network_than_its_own(api: Api) -> None:
    await api.make_key("there", networks=("203.0.113.0/24", "2001:db8::/32"))
    await api.make_key("here", networks=("203.0.113.0/24", "127.0.0.0/8"))

    refused = await api.get("/runs", by="there")

    assert refused.error == (403, "not_allowed")
    assert "may not be used from 127.0.0.1" in refused.json["message"]
    assert (await api.get("/runs", by="here")).status == 200


async def test_where_a_request_comes_from_is_believed_only_of_a_named_proxy(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    async with a_running_api(tmp_path / "a", engine) as api:
        await api.make_key("there", networks=("203.0.113.0/24",))
        without = await api.get("/runs", by="there", headers=forwarded)
    async with a_running_api(
        tmp_path / "b", engine, HANDRAIL_PROXIES="127.0.0.0/8"
    ) as api:
        await api.make_key("there", networks=("203.0.113.0/24",))
        behind = await api.get("/runs", by="there", headers=forwarded)

    assert (without.status, behind.status) == (403, 200)


async def test_a_proxy_that_nobody_named_is_told_to_the_log_once(
    api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        await api.get("/runs", headers={"X-Forwarded-For": "203.0.113.9"})

    printed = "".join(capfd.readouterr()) + caplog.text
    assert printed.count("not in HANDRAIL_PROXIES") == 1


async def test_who_fails_too_often_waits_and_does_not_fill_the_record(
    api: Api,
) -> None:
    failed = [await api.get("/runs", by="") for _ in range(20)]
    late = await asyncio.gather(*(api.get("/runs", by="") for _ in range(30)))

    assert {answer.status for answer in failed} == {401}
    assert {answer.error for answer in late} == {(429, "too_often")}
    assert 1 <= int(late[0].headers["Retry-After"]) <= 60
    audited = await api.audited()
    assert audited.count(" bad_key: runs, from 127.0.0.1") == 20
    assert audited[20:] == [" too_often: runs and more, from 127.0.0.1"]


async def test_strangers_from_many_addresses_do_not_fill_the_record(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    async with a_running_api(tmp_path, engine, HANDRAIL_PROXIES="127.0.0.0/8") as api:
        answers = [
            await api.get("/runs", by="", headers={"X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(120)
        ]
        audited = await api.audited()

    assert {answer.error for answer in answers} == {(401, "bad_key")}
    assert audited[99] == " bad_key: runs, from 192.0.2.99"
    assert audited[100:] == [" too_often: and more refused in this minute"]


async def test_a_valid_key_is_answered_whoever_fails_from_the_same_address(
    api: Api,
) -> None:
    await api.make_key("old", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    for _ in range(21):
        await api.get("/runs", by="")

    valid, expired = await api.get("/runs"), await api.get("/runs", by="old")

    assert valid.status == 200
    assert expired.error == (429, "too_often")


async def test_many_attempts_at_once_are_no_way_around_the_limit(api: Api) -> None:
    shown = {"Authorization": WRONG}

    answers = await asyncio.gather(
        *(api.get("/runs", by="", headers=shown) for _ in range(60))
    )

    statuses = [answer.status for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (20, 40)
    assert len(await api.audited()) == 21


async def test_the_last_use_of_a_key_is_kept(api: Api) -> None:
    await api.get("/runs")

    async with api.store() as keys:
        key = await keys.by_name("ci")

    assert key is not None
    assert key.used_at is not None
    assert ipaddress.ip_address(key.used_from).is_loopback


async def test_no_secret_is_in_a_log_a_row_or_an_answer(
    api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = api.keys["ci"].split("_", 2)[2]
    await api.make_key("reader", Role.READER)
    shown = [
        await api.get("/runs", by="", headers={"Authorization": api.keys["ci"]}),
        await api.get("/runs", by="", headers={"Authorization": f"Bearer {secret}"}),
        await api.get(f"/runs?key={api.keys['ci']}"),
        await api.get("/nowhere"),
        await api.post("/tasks", {"stack": NET, "command": "date"}, by="reader"),
        await api.get("/runs"),
    ]

    rows = str(await api.bot.audit())
    printed = "".join(capfd.readouterr()) + caplog.text
    assert [answer.status for answer in shown] == [401, 401, 422, 404, 403, 200]
    for text in (printed, rows, *(f"{a.text}{a.headers}" for a in shown)):
        assert secret not in text
        assert api.keys["reader"].split("_", 2)[2] not in text
    assert "api request" in printed
