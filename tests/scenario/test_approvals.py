"""Runs that people have to agree to: in the thread, before anything starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.audit import Verb
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, Reason, RunState
from bot.domain.stack import Deploy, StackName
from bot.sandbox.faults import Refuse
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack, text_of
from tests.support.ci import a_job, serve_api
from tests.support.clock import Ahead

ONE = ApprovalRule(count=1)
TWO = ApprovalRule(count=2)
STACK = StackName("net-prod")

Start = Callable[..., Any]


@pytest.fixture
def idle(tmp_path: Path) -> Start:
    """Prepare a bot whose stack has that rule, and is like this."""

    def prepared(
        rule: ApprovalRule = ONE, **changes: Any
    ) -> AbstractAsyncContextManager[Bot]:
        stack = a_stack(approvals=rule, **changes)
        return a_bot(tmp_path, ScriptedEngine(), stack)

    return prepared


@pytest.fixture
def town(idle: Start) -> Start:
    """Prepare such a bot, and start it."""

    @asynccontextmanager
    async def started(rule: ApprovalRule = ONE, **changes: Any) -> AsyncIterator[Bot]:
        async with idle(rule, **changes) as bot, bot.start() as bot.handrail:
            yield bot

    return started


async def waiting(bot: Bot, command: str = "apply", *, by: str = "ann") -> str:
    """Send a task, and return its `ts` once its thread says who has to agree."""
    ts = await bot.task(f"net-prod {command}", by=by)
    await bot.tells(ts, "to agree")
    return ts


def changed(bot: Bot, **changes: Any) -> None:
    """Change the stack in handrail.yaml; that counts from the next start on."""
    bot.stacks = {STACK: replace(bot.stacks[STACK], **changes)}


async def verbs(bot: Bot, run: int) -> list[str]:
    return [row.deed.verb for row in await bot.audit() if row.deed.run == run]


async def test_a_run_waits_until_enough_people_agree_and_names_them(
    town: Start,
) -> None:
    async with town(TWO) as bot:
        ts = await waiting(bot)
        assert "2 of the writers of net-prod have to agree; nobody has." in "".join(
            bot.told(ts)
        )
        await bot.reply("approve", to=ts, by="bob")
        await bot.tells(ts, "1 has (bob)")
        assert bot.engine.jobs == []

        await bot.reply("approve: go", to=ts, by="ada")

        await bot.tells(ts, "finished")
        assert await verbs(bot, 1) == [
            *(Verb.SUBMITTED, Verb.PROPOSED, Verb.JUDGED, Verb.APPROVED, Verb.JUDGED),
            *(Verb.APPROVED, Verb.JUDGED, Verb.STARTED, Verb.PERFORMED, Verb.ENDED),
        ]


async def test_an_approval_for_one_command_does_not_approve_another(
    town: Start,
) -> None:
    async with town() as bot:
        harmless = await waiting(bot, "harmless")
        harmful = await waiting(bot, "harmful")

        await bot.reply("approve", to=harmless, by="bob")

        await bot.tells(harmless, "finished")
        assert (await bot.run(2)).approval is Approval.PENDING
        assert [job.script.command for job in bot.engine.jobs] == ["harmless"]
        assert "approved" not in " ".join(bot.told(harmful))


async def test_a_run_that_waits_for_people_keeps_nobody_else_waiting(
    town: Start,
) -> None:
    async with town(replace(ONE, except_=("ls",))) as bot:
        ts = await waiting(bot)

        other = await bot.task("net-prod ls", by="bob")

        await bot.tells(other, "finished")
        assert (await bot.run(1)).state is RunState.QUEUED
        await bot.reply("approve", to=ts, by="bob")
        await bot.tells(ts, "finished")


async def test_a_command_on_the_allow_list_waits_for_nobody_and_nothing_but_it_does(
    town: Start,
) -> None:
    async with town(replace(ONE, except_=("terraform state list",))) as bot:
        listed = await bot.task("net-prod terraform state list")
        await bot.tells(listed, "finished")

        more = await bot.task("net-prod terraform state list; rm -rf /")

        await bot.tells(more, "to agree")
        assert len(bot.engine.jobs) == 1


async def test_the_author_s_own_approval_does_not_count(town: Start) -> None:
    async with town() as bot:
        ts = await waiting(bot, by="ann")

        await bot.reply("approve", to=ts, by="ann")

        said = await bot.whispers("ann", "your own")
        assert bot.people["bob"] in said
        assert bot.people["ann"] not in said
        assert (await bot.run(1)).approval is Approval.PENDING
        await bot.reply("approve", to=ts, by="bob")
        await bot.tells(ts, "finished")


async def test_the_author_s_own_approval_counts_where_the_stack_says_so(
    town: Start,
) -> None:
    async with town(self_review=True) as bot:
        ts = await waiting(bot, by="ann")

        await bot.reply("approve", to=ts, by="ann")

        await bot.tells(ts, "finished")


@pytest.mark.parametrize(
    ("who", "words"), [("rita", "You are none of those"), ("eve", "Guests cannot")]
)
async def test_whoever_may_not_is_told_so_and_the_run_waits_on(
    town: Start, who: str, words: str
) -> None:
    async with town() as bot:
        ts = await waiting(bot)

        await bot.reply("approve", to=ts, by=who)

        await bot.whispers(who, words)
        assert (await bot.run(1)).approval is Approval.PENDING
        assert Verb.REFUSED in await verbs(bot, 1)


async def test_somebody_whom_the_rule_names_may_agree_without_any_role(
    tmp_path: Path,
) -> None:
    stack = a_stack(approvals=replace(ONE, from_=("@platform",)), readers=())
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.sandbox.workspace.add_group("platform", members=[bot.people["rita"]])
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)

            await bot.reply("approve", to=ts, by="rita")

            await bot.tells(ts, "finished")
            assert (await bot.run(1)).approval_note == "Approved by rita."


async def test_where_the_rule_names_people_no_other_may_agree_but_any_writer_reject(
    tmp_path: Path,
) -> None:
    stack = a_stack(approvals=replace(ONE, from_=("@platform",)))
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.sandbox.workspace.add_group("platform", members=[bot.people["rita"]])
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)
            await bot.reply("approve", to=ts, by="bob")
            await bot.whispers("bob", "@platform")
            assert "approved this run" not in "".join(bot.told(ts))

            await bot.reply("reject: not now", to=ts, by="bob")

            await bot.tells(ts, "bob rejected it: not now")


async def test_a_group_of_reviewers_that_cannot_be_read_means_no(
    tmp_path: Path,
) -> None:
    stack = a_stack(approvals=replace(ONE, from_=("@platform",)))
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.sandbox.workspace.add_group("platform", members=[bot.people["rita"]])
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)
            bot.sandbox.faults.add("usergroups.list", Refuse("fatal_error"), times=99)

            await bot.reply("approve", to=ts, by="rita")

            await bot.whispers("rita", "Nothing was done")
            assert (await bot.run(1)).approval is Approval.PENDING
            bot.sandbox.faults.clear()
            await bot.reply("approve", to=ts, by="rita")
            await bot.tells(ts, "finished")


async def test_a_reject_fails_the_run_at_once_and_says_who_and_why(
    town: Start,
) -> None:
    async with town(TWO) as bot:
        ts = await waiting(bot)
        await bot.reply("approve", to=ts, by="ada")

        await bot.reply("reject: not on a Friday", to=ts, by="bob")

        final = await bot.tells(ts, "*failed")
        assert "bob rejected it: not on a Friday" in final
        assert (await bot.run(1)).reason is Reason.REJECTED
        assert bot.engine.jobs == []


async def test_a_reject_needs_a_reason(town: Start) -> None:
    async with town() as bot:
        ts = await waiting(bot)

        await bot.reply("reject", to=ts, by="bob")

        await bot.whispers("bob", "Say why")
        assert (await bot.run(1)).state is RunState.QUEUED


async def test_after_a_reject_nobody_can_approve_any_more(town: Start) -> None:
    async with town() as bot:
        ts = await waiting(bot)
        await bot.reply("reject: no", to=ts, by="bob")
        await bot.tells(ts, "*failed")

        await bot.reply("approve", to=ts, by="ada")

        assert "bob rejected it: no" in await bot.whispers("ada", "Run 1 is over")
        assert Verb.APPROVED not in await verbs(bot, 1)


async def test_who_says_it_twice_is_told_that_it_counts_already(town: Start) -> None:
    async with town(TWO) as bot:
        ts = await waiting(bot)
        await bot.reply("approve", to=ts, by="bob")
        await bot.tells(ts, "1 has (bob)")

        await bot.reply("approve", to=ts, by="bob")

        await bot.whispers("bob", "You said approve to run 1 already")
        assert (await verbs(bot, 1)).count(Verb.APPROVED) == 1


async def test_who_comes_after_the_end_or_where_nobody_was_asked_is_told_so(
    town: Start,
) -> None:
    async with town(replace(ONE, except_=("ls", "sleep"))) as bot:
        bot.engine.on("sleep", block=True)
        over = await bot.task("net-prod ls")
        await bot.tells(over, "finished")
        runs = await bot.task("net-prod sleep")
        await bot.shows(runs, "performing")

        await bot.reply("approve", to=over, by="bob")
        await bot.reply("approve", to=runs, by="ada")

        await bot.whispers("bob", "Run 1 is over: finished")
        await bot.whispers("ada", "Nobody has to agree to run 2")
        bot.engine.release("sleep")


async def test_a_changed_configuration_voids_what_was_agreed_to(
    idle: Start,
) -> None:
    async with idle(TWO) as bot:
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)
            await bot.reply("approve", to=ts, by="bob")
            await bot.tells(ts, "1 has (bob)")
        changed(bot, env={"TF_WORKSPACE": "prod"})

        async with bot.start() as bot.handrail:
            await bot.tells(ts, "your review counts no more")
            await bot.reply("approve", to=ts, by="ada")
            await bot.tells(ts, "1 has (ada)")
            assert bot.engine.jobs == []
            assert Verb.VOIDED in await verbs(bot, 1)

            await bot.reply("approve", to=ts, by="bob")

            await bot.tells(ts, "finished")


async def test_what_was_approved_and_changed_before_it_began_waits_again(
    idle: Start,
) -> None:
    async with idle() as bot:
        async with bot.start() as bot.handrail:
            ts = await queued_behind_another(bot)
        changed(bot, env={"TF_WORKSPACE": "prod"})

        async with bot.start() as bot.handrail:
            bot.engine.release("sleep")

            await bot.tells(ts, "your review counts no more")
            await bot.tells(ts, "nobody has")
            await bot.reply("approve", to=ts, by="ada")
            await bot.tells(ts, "finished")


async def test_a_reviewer_who_was_deactivated_since_has_not_agreed(
    town: Start,
) -> None:
    async with town() as bot:
        ts = await queued_behind_another(bot)
        bot.sandbox.deactivate(bot.people["bob"])

        bot.engine.release("sleep")

        await bot.tells(ts, "bob may not approve this any more")
        await bot.tells(ts, "nobody has")
        assert (await bot.run(2)).state is RunState.QUEUED
        await bot.reply("approve", to=ts, by="ada")
        await bot.tells(ts, "finished")


async def queued_behind_another(bot: Bot) -> str:
    """Return the `ts` of run 2, which bob approved, and which waits for run 1."""
    bot.engine.on("sleep", block=True)
    first = await waiting(bot, "sleep")
    await bot.reply("approve", to=first, by="bob")
    await bot.shows(first, "performing")
    second = await waiting(bot, "apply")
    await bot.reply("approve", to=second, by="bob")
    await bot.tells(second, "Queued")
    assert (await bot.run(2)).approval is Approval.APPROVED
    return second


async def test_the_image_that_runs_is_the_one_that_was_reviewed(
    tmp_path: Path,
) -> None:
    engine = Retagged()
    stack = a_stack(approvals=ONE)
    async with a_bot(tmp_path, engine, stack) as bot, bot.start() as bot.handrail:
        ts = await waiting(bot)
        reviewed = (await bot.run(1)).image_digest
        engine.tag = "another"

        await bot.reply("approve", to=ts, by="bob")

        await bot.tells(ts, "finished")
        assert [job.image for job in engine.jobs] == [reviewed]
        assert (await bot.run(1)).image_digest == reviewed


class Retagged(ScriptedEngine):
    """An engine on which a tag is moved to another image."""

    tag = "one"

    async def resolve(self, image: str) -> str:
        by_digest = image.startswith("sha256:")
        return await super().resolve(image if by_digest else f"{image}@{self.tag}")


async def test_an_image_that_is_not_to_be_had_ends_the_run_before_anybody_is_asked(
    town: Start,
) -> None:
    async with town(image="gone") as bot:
        bot.engine.missing_images.add("gone")

        ts = await bot.task("net-prod apply")

        await bot.tells(ts, "*failed")
        assert (await bot.run(1)).reason is Reason.IMAGE


async def test_a_run_that_nobody_agrees_to_in_time_is_discarded(
    tmp_path: Path,
) -> None:
    stack = a_stack(approvals=replace(ONE, expires=timedelta(hours=1)))
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.clock = clock = Ahead()
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)

            clock.passes(minutes=61)

            await bot.tells(ts, "*discarded")
            assert (await bot.run(1)).state is RunState.DISCARDED


async def test_who_waits_may_take_it_back(town: Start) -> None:
    async with town() as bot:
        ts = await waiting(bot)

        await bot.reply("stop", to=ts, by="ann")

        await bot.tells(ts, "*discarded")


async def test_what_waits_outlives_the_bot(idle: Start) -> None:
    async with idle(TWO) as bot:
        async with bot.start() as bot.handrail:
            ts = await waiting(bot)
            await bot.reply("approve", to=ts, by="bob")
            await bot.tells(ts, "1 has (bob)")

        async with bot.start() as bot.handrail:
            await bot.reply("approve", to=ts, by="ada")

            await bot.tells(ts, "finished")


async def test_a_deploy_is_judged_when_it_is_queued(town: Start) -> None:
    deploy = Deploy(plan="terraform plan", apply="terraform apply")
    rule = replace(ONE, except_=("terraform plan",))
    async with town(rule, deploy=deploy) as bot:
        ts = await bot.deploy("net-prod")
        await bot.tells(ts, "to agree")
        assert bot.engine.jobs == []

        await bot.reply("approve", to=ts, by="bob")

        await bot.tells(ts, "Plan:")


async def test_a_changed_configuration_keeps_an_approved_plan_from_being_applied(
    idle: Start,
) -> None:
    deploy = Deploy(plan="terraform plan", apply="terraform apply")
    async with idle(deploy=deploy) as bot:
        async with bot.start() as bot.handrail:
            ts = await bot.deploy("net-prod")
            await bot.tells(ts, "to agree")
            await bot.reply("approve", to=ts, by="bob")
            await bot.tells(ts, "Plan:")
        changed(bot, env={"TF_WORKSPACE": "prod"})

        async with bot.start() as bot.handrail:
            await bot.reply("confirm", to=ts, by="bob")

            await bot.tells(ts, "is not what it was when run 1 was agreed to")
            assert len(bot.engine.jobs) == 1


async def test_what_an_api_key_asks_for_waits_for_people_too(tmp_path: Path) -> None:
    stack = a_stack(approvals=ONE)
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        url = serve_api(bot)
        async with bot.start() as bot.handrail, a_job(bot, url) as ci:
            await ci.announces("make deploy")
            await bot.sandbox.wait_for(bot.roots)
            ts = str(bot.roots()[-1]["ts"])
            await bot.tells(ts, "to agree")
            assert (await ci.is_alive()).state == "queued"

            await bot.reply("approve", to=ts, by="bob")

            await ci.begins()
            await ci.ends()
            await bot.tells(ts, "finished")


async def test_what_was_sent_before_there_was_a_rule_is_not_let_through(
    tmp_path: Path,
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        async with bot.start() as bot.handrail:
            bot.engine.on("sleep", block=True)
            first = await bot.task("net-prod sleep")
            await bot.shows(first, "performing")
            ts = await bot.task("net-prod apply")
            await bot.tells(ts, "Queued")
        changed(bot, approvals=ONE)

        async with bot.start() as bot.handrail:
            bot.engine.release("sleep")

            final = await bot.tells(ts, "*failed")
            assert "somebody has to agree to what runs on net-prod" in final


async def test_a_press_counts_as_the_word_does(town: Start) -> None:
    async with town(TWO) as bot:
        ts = await waiting(bot)
        shown = button_message(bot, ts)

        await bot.press("approve", on=shown, by="bob")

        await bot.tells(ts, "1 has (bob)")


def button_message(bot: Bot, ts: str) -> str:
    """Return the `ts` of the message in the thread that has the buttons."""
    thread = bot.sandbox.thread(bot.channel, ts)
    return next(str(it["ts"]) for it in thread if "to agree" in text_of(it))


async def test_deny_tasks_refuses_every_command_and_says_what_there_is(
    town: Start,
) -> None:
    deploy = Deploy(plan="terraform plan", apply="terraform apply")
    async with town(replace(ONE, count=0), deny_tasks=True, deploy=deploy) as bot:
        await bot.slash("net-prod ls")

        said = await bot.whispers("ann", "takes no commands of one's own")
        assert "/deploy net-prod" in said
        ts = await bot.deploy("net-prod")
        await bot.tells(ts, "Plan:")
