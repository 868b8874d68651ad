"""Policies decide: at the command, when a run is queued, and after each review."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.policy_input import nanoseconds
from bot.domain.run import Approval, Reason
from bot.domain.stack import Deploy
from bot.store.approvals import SqlApprovals
from bot.store.database import Database
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack
from tests.support.ci import a_job, serve_api
from tests.support.policies import (
    Rules,
    ScriptedPolicies,
    a_policy,
    approvals,
    rejections,
)

Start = Callable[..., Any]


@pytest.fixture
def town(tmp_path: Path) -> Start:
    """Start a bot whose stack has policies with those rules."""

    @asynccontextmanager
    async def started(
        *,
        denying: Mapping[str, Rules] = MappingProxyType({}),
        deciding: Mapping[str, Rules] = MappingProxyType({}),
    ) -> AsyncIterator[Bot]:
        names = dict.fromkeys((*denying, *deciding))
        deploy = Deploy(plan="terraform plan", apply="terraform apply")
        stack = a_stack(
            policies=tuple(map(a_policy, names)), labels=("prod",), deploy=deploy
        )
        async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
            bot.sandbox.workspace.add_group("platform", members=[bot.people["bob"]])
            bot.policies = ScriptedPolicies(dict(denying), dict(deciding))
            async with bot.start() as bot.handrail:
                yield bot

    return started


def asked(bot: Bot) -> list[tuple[str, Any]]:
    assert isinstance(bot.policies, ScriptedPolicies)
    return bot.policies.asked


def says(**ruling: Any) -> Rules:
    return lambda document: ruling


async def test_every_deny_message_is_shown_to_whoever_asked(town: Start) -> None:
    denying = {
        "weekend.rego": says(deny=("Not at the weekend.", "Not by night.")),
        "admins.rego": says(deny=("Admins only.",)),
    }
    async with town(denying=denying) as bot:
        await bot.slash("net-prod terraform apply")

        said = await bot.whispers("ann", "Not at the weekend.")
        assert "Not by night." in said
        assert "Admins only." in said
        assert bot.roots() == []
        assert [it.deed.detail for it in await bot.audit()] == [
            "policy: /task net-prod terraform apply"
        ]


async def test_a_task_policy_is_asked_who_wants_what_on_which_stack(
    town: Start,
) -> None:
    async with town(denying={"one.rego": says()}) as bot:
        ts = await bot.task("net-prod terraform apply", by="bob")

        await bot.tells(ts, "finished")
        ((_, document),) = asked(bot)
        assert document["request"]["command"] == "terraform apply"
        assert document["session"] == {
            "login": bot.people["bob"],
            "name": "bob",
            "teams": ["platform"],
            "admin": False,
            "machine": False,
            "creator_ip": "",
        }
        assert document["stack"]["name"] == "net-prod"
        assert document["stack"]["labels"] == ["prod"]


async def test_what_holds_the_stack_is_told_to_policies(town: Start) -> None:
    async with town(denying={"one.rego": says()}) as bot:
        ts = await bot.task("net-prod ls", by="bob")
        await bot.tells(ts, "finished")
        await bot.reply("lock", to=ts, by="bob")
        await bot.tells(ts, "holds *net-prod*")

        again = await bot.task("net-prod ls", by="bob")

        await bot.tells(again, "finished")
        assert asked(bot)[-1][1]["stack"]["locked_by"] == bot.people["bob"]


async def test_a_task_policy_that_fails_refuses_and_says_so(town: Start) -> None:
    failing = says(failed="one.rego took longer than 5 s, so the answer is no.")
    async with town(denying={"one.rego": failing}) as bot:
        await bot.slash("net-prod ls")

        await bot.whispers("ann", "took longer than 5 s")
        assert bot.roots() == []


async def test_an_approval_policy_that_fails_fails_the_run_and_says_so(
    town: Start,
) -> None:
    failing = says(failed="one.rego took longer than 5 s, so the answer is no.")
    deciding = {"one.rego": failing, "two.rego": says(approve=True)}
    async with town(deciding=deciding) as bot:
        ts = await bot.task("net-prod ls")

        assert "took longer than 5 s" in await bot.tells(ts, "*failed")
        assert (await bot.run(1)).reason is Reason.REJECTED
        assert bot.engine.jobs == []


async def test_a_run_that_every_policy_approves_waits_for_nobody(
    town: Start,
) -> None:
    deciding = {
        "one.rego": says(approve=True),
        "two.rego": says(approve_notes=("It only reads.",)),
    }
    async with town(deciding=deciding) as bot:
        ts = await bot.task("net-prod ls")

        await bot.tells(ts, "finished")
        assert "two.rego: It only reads." in (await bot.run(1)).approval_note


async def test_any_policy_s_reject_wins(town: Start) -> None:
    deciding = {
        "one.rego": says(approve=True),
        "two.rego": says(reject_notes=("Not in a freeze.",), approve=True),
    }
    async with town(deciding=deciding) as bot:
        ts = await bot.task("net-prod ls")

        assert "two.rego: Not in a freeze." in await bot.tells(ts, "*failed")
        assert bot.engine.jobs == []


async def test_who_must_agree_is_what_the_policies_say_and_not_a_guess(
    town: Start,
) -> None:
    deciding = {
        "one.rego": says(undecided_notes=("A director has to agree.",)),
        "two.rego": says(),
    }
    async with town(deciding=deciding) as bot:
        ts = await bot.task("net-prod ls")

        told = await bot.tells(ts, "A director has to agree.")
        assert "two.rego does not say who has to agree." in told


async def test_policies_are_asked_again_after_each_review(town: Start) -> None:
    def two_agree(document: Any) -> dict[str, Any]:
        return {"approve": len(approvals(document)) > 1}

    async with town(deciding={"two.rego": two_agree}) as bot:
        ts = await bot.task("net-prod ls", by="ann")
        await bot.tells(ts, "who has to agree")

        await bot.reply("approve: fine", to=ts, by="bob")
        await bot.tells(ts, "approved this run: fine")
        await bot.reply("approve", to=ts, by="ada")

        await bot.tells(ts, "finished")
        (first, *_, last) = [document for _, document in asked(bot)]
        assert approvals(first) == []
        given = last["reviews"]["current"]["approvals"]
        assert [it["session"]["teams"] for it in given] == [["platform"], []]
        assert [it["note"] for it in given] == ["fine", ""]
        assert last["run"]["type"] == "TASK"
        assert last["run"]["state"] == "QUEUED"
        assert last["run"]["creator_session"]["login"] == bot.people["ann"]
        created = (await bot.run(1)).created_at
        assert last["run"]["created_at"] == nanoseconds(created)


async def test_only_a_person_s_newest_review_counts(town: Start) -> None:
    def no_objections(document: Any) -> dict[str, Any]:
        return {"approve": bool(approvals(document) and not rejections(document))}

    async with town(deciding={"one.rego": no_objections}) as bot:
        ts = await bot.task("net-prod ls", by="ann")
        await bot.tells(ts, "who has to agree")
        await bot.reply("reject: let me look", to=ts, by="bob")
        await bot.tells(ts, "rejected this run")

        await bot.reply("approve", to=ts, by="bob")

        await bot.tells(ts, "finished")
        last = asked(bot)[-1][1]
        assert rejections(last) == []
        older = last["reviews"]["older"]["rejections"]
        assert [it["author"] for it in older] == [bot.people["bob"]]


async def test_a_deploy_is_put_to_approval_policies_and_not_to_task_policies(
    town: Start,
) -> None:
    denying = {"deny.rego": says(deny=("No commands.",))}
    tracked = {
        "one.rego": lambda document: {"approve": document["run"]["type"] == "TRACKED"}
    }
    async with town(denying=denying, deciding=tracked) as bot:
        ts = await bot.deploy("net-prod")

        await bot.tells(ts, "Plan:")


async def test_what_a_ci_announces_is_put_to_policies_as_a_machine_s(
    tmp_path: Path,
) -> None:
    def people_only(document: Any) -> dict[str, Any]:
        return {"reject": document["run"]["creator_session"]["machine"]}

    stack = a_stack(policies=(a_policy("people.rego"),))
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.policies = ScriptedPolicies(deciding={"people.rego": people_only})
        url = serve_api(bot)
        async with bot.start() as bot.handrail, a_job(bot, url) as ci:
            await ci.announces("make deploy")

            await bot.sandbox.wait_for(bot.roots)
            final = await bot.tells(str(bot.roots()[-1]["ts"]), "*failed")
            assert "people.rego rejects it." in final


async def test_while_policies_cannot_be_asked_a_run_waits_and_a_new_one_is_refused(
    town: Start,
) -> None:
    def one_agrees(document: Any) -> dict[str, Any]:
        return {"approve": bool(approvals(document))}

    async with town(deciding={"one.rego": one_agrees}) as bot:
        assert isinstance(bot.policies, ScriptedPolicies)
        ts = await bot.task("net-prod ls", by="ann")
        await bot.tells(ts, "who has to agree")
        bot.policies.away = True

        await bot.slash("net-prod rm")
        await bot.reply("approve", to=ts, by="bob")

        await bot.whispers("ann", "OPA does not answer.")
        await bot.tells(ts, "Handrail asks again")
        assert (await bot.run(1)).approval is Approval.PENDING
        bot.policies.away = False
        await bot.tells(ts, "finished")


async def test_without_an_opa_whatever_needs_a_policy_is_refused(
    tmp_path: Path,
) -> None:
    stack = a_stack(policies=(a_policy("approve.rego"),))
    async with (
        a_bot(tmp_path, ScriptedEngine(), stack) as bot,
        bot.start() as bot.handrail,
    ):
        await bot.slash("net-prod ls")

        said = await bot.whispers("ann", "Policy approve.rego")
        assert "HANDRAIL_OPA" in said
        assert bot.roots() == []


async def test_what_a_policy_samples_is_kept_unless_it_was_only_checked(
    town: Start,
) -> None:
    async with town(deciding={"one.rego": says(approve=True, sample=True)}) as bot:
        await bot.slash("check net-prod ls -la")
        await bot.whispers("ann", "It would run")
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")

        async with Database.open(bot.settings.database_url) as database:
            ((document, ruling),) = await SqlApprovals(database).samples("one.rego")

        assert ruling.approve
        assert document == asked(bot)[1][1]
