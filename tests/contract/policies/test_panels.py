"""Policies that are asked together answer as each does alone."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.domain.policy import Policy, Ruling
from bot.policies.loading import unload_policy
from bot.policies.opa import OpaPolicies
from bot.policies.panels import panel_of, unload_panel
from bot.ports import Document
from tests.contract.policies.asking import BOMB, ENDLESS, Asked

DENIES = 'package spacelift\n\ndeny["no"] { input.bad }\n'
DECIDES = """package handrail

import rego.v1

approve if input.approved
undecided_with_note contains "two have to agree" if not approve
"""
FAILING = 'package spacelift\n\ndeny["large"] { to_number(input.text) > 1 }\n'
OTHER_TYPE = "package spacelift\n\napprove = input.flag { true }\n"
MISSHAPEN = 'package spacelift\n\ndeny["no"] {'
AT_TIMES = ENDLESS.replace("if {", "if {\n\tinput.endless")

BAD: Document = {"bad": True, "approved": False, "text": "many", "flag": "many"}
FINE: Document = {"bad": True, "approved": False, "text": "1", "flag": True}


class Counted(OpaPolicies):
    """Counts what was asked alone."""

    alone = 0

    async def rule(self, policy: Policy, document: Document) -> Ruling:
        self.alone += 1
        return await super().rule(policy, document)

    async def together(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        """Return their rulings as soon as none of them is asked alone."""
        async with asyncio.timeout(20):
            while True:
                before = self.alone
                rulings = await self.rulings(policies, document)
                if self.alone == before:
                    return rulings
                await asyncio.sleep(0.01)


@pytest.fixture
def counted(asked: Asked) -> Counted:
    return Counted(asked.server, limit=30.0)


def two(asked: Asked) -> list[Policy]:
    return [asked.written(DENIES, "one.rego"), asked.written(DECIDES, "two.rego")]


@pytest.mark.parametrize("document", [BAD, {"bad": False, "approved": True}])
async def test_they_say_together_what_each_says_alone(
    asked: Asked, counted: Counted, document: Document
) -> None:
    policies = two(asked)

    together = await counted.together(policies, document)

    assert [it.policy for it in together] == ["one.rego", "two.rego"]
    assert list(together) == [await counted.rule(it, document) for it in policies]


@pytest.mark.parametrize("text", [FAILING, OTHER_TYPE])
async def test_what_goes_wrong_with_one_is_told_of_that_one(
    asked: Asked, counted: Counted, text: str
) -> None:
    policies = [*two(asked), asked.written(text, "wrong.rego")]
    await counted.together(policies, FINE)

    for _ in range(3):
        *fine, wrong = await counted.rulings(policies, BAD)

        assert [(it.failed, it.deny) for it in fine] == [("", ("no",)), ("", ())]
        assert wrong == await counted.rule(policies[2], BAD)
        assert wrong.failed


@pytest.mark.parametrize("text", [MISSHAPEN, ""])
async def test_what_is_wrong_with_one_from_the_start_is_told_of_that_one(
    asked: Asked, counted: Counted, text: str
) -> None:
    policies = [*two(asked), asked.written(text, "wrong.rego")]

    for _ in range(2):
        *fine, wrong = await counted.rulings(policies, BAD)

        assert [(it.failed, it.deny) for it in fine] == [("", ("no",)), ("", ())]
        assert wrong == await counted.rule(policies[2], BAD)
        assert wrong.failed


async def test_one_without_end_is_interrupted_and_keeps_nobody(own: Asked) -> None:
    hasty = Counted(own.server, limit=3.0)
    policies = [*two(own), own.written(AT_TIMES, "endless.rego")]
    await hasty.together(policies, FINE)

    for _ in range(2):
        *fine, endless = await hasty.rulings(policies, {**BAD, "endless": True})

        assert [it.failed for it in fine] == ["", ""]
        assert "took longer than 3 seconds" in endless.failed
    assert own.server.incarnation == 1


async def test_those_that_took_too_long_together_are_left_alone_for_a_while(
    own: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = Counted(own.server, limit=2.0)
    attached = [*two(own), own.written(AT_TIMES, "endless.rego")]
    await policies.together(attached, FINE)
    await policies.rulings(attached, {**BAD, "endless": True})
    before = policies.alone

    await policies.rulings(attached, FINE)

    assert policies.alone == before + 3
    monkeypatch.setattr("bot.policies.panels._LEFT_ALONE_FOR", 0.0)
    await policies.together(attached, FINE)


async def test_no_panel_is_brought_while_something_may_be_without_end(
    own: Asked,
) -> None:
    policies, hasty = Counted(own.server, limit=30.0), OpaPolicies(own.server, limit=6)
    attached, endless = two(own), own.written(ENDLESS, "endless.rego")
    await policies.kind(endless)
    for policy in attached:
        await policies.rule(policy, FINE)
    judged = asyncio.create_task(hasty.rule(endless, FINE))
    answered = 0

    while not judged.done():
        rulings = await policies.rulings(attached, FINE)
        assert [it.failed for it in rulings] == ["", ""]
        answered += 1

    assert answered > 3  # the first brings the panel, and the next would wait for it
    assert (await judged).failed


async def test_one_that_ends_opa_is_told_of_that_one(own: Asked) -> None:
    policies = Counted(own.server, limit=30.0)
    attached = [*two(own), own.written(BOMB, "bomb.rego")]
    await policies.together(attached, {**BAD, "bomb": False})

    *fine, bomb = await policies.rulings(attached, {**BAD, "bomb": True})

    assert [it.failed for it in fine] == ["", ""]
    assert "OPA ended while it was asked" in bomb.failed


async def test_a_changed_file_counts_at_once(asked: Asked, counted: Counted) -> None:
    policies = two(asked)
    await counted.together(policies, BAD)
    asked.written(DENIES.replace('"no"', '"never"'), "one.rego")

    changed = await counted.rulings(policies, BAD)

    assert changed[0].deny == ("never",)
    assert await counted.together(policies, BAD) == changed


@pytest.mark.parametrize("lost", ["panel", "member"])
async def test_an_opa_that_lost_them_gets_them_again(
    asked: Asked, counted: Counted, lost: str
) -> None:
    policies, client = two(asked), asked.server.client
    before = await counted.together(policies, BAD)
    if lost == "panel":
        members = [await counted._known(it) for it in policies]
        await unload_panel(client, panel_of(members))
    else:
        await unload_policy(client, DENIES)

    assert await counted.rulings(policies, BAD) == before
    assert await counted.together(policies, BAD) == before


async def test_panels_that_nobody_asked_for_long_leave_opa(
    own: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.policies.panels._MOST", 1)
    policies = Counted(own.server, limit=30.0)
    one, two_ = two(own)
    await policies.together([one, two_], BAD)
    assert await panels_of(own) == 1

    await policies.together([two_, one], BAD)

    assert await panels_of(own) == 1
    assert (await policies.together([one, two_], BAD))[0].deny == ("no",)


async def panels_of(asked: Asked) -> int:
    """Return how many panels OPA has."""
    status, said = await asked.server.client._call("GET", "v1/policies", most=0)
    assert (status, isinstance(said, dict)) == (200, True)
    assert isinstance(said, dict)
    return sum("panel_" in it["id"] for it in said["result"])
