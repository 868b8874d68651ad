"""What would become of a command is told, and nothing of it is recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.control.check_task import Checked, CheckTask
from bot.control.enlist import Enlist
from bot.control.hold_refusals import HoldRefusals
from bot.control.policing import Policing
from bot.control.secrecy import Secrecy
from bot.control.unsafe import Known
from bot.domain.errors import Refusal, Refused
from bot.domain.opinion import BUILT_IN, Opinion, Stance
from bot.domain.people import Actor
from bot.domain.policy import Policy
from bot.domain.preset import Choice, Parameter, Pattern, Preset
from bot.domain.rule import ApprovalRule
from bot.domain.stack import FromEnv, StackName
from bot.domain.task import CheckRequest, parse
from tests.support.builders import CHANNEL, NOON, STACK, a_hold, a_new_run, later
from tests.support.policies import ScriptedPolicies, a_policy
from tests.unit.control.holding import ANN, BOB, DORA, RITA, Holding, a_holding
from tests.unit.control.stand_ins import Safe


async def nothing() -> None:
    """Promote nothing."""


@dataclass
class Desk:
    """Where people ask beforehand, about net-prod."""

    stage: Holding
    policies: ScriptedPolicies = field(default_factory=ScriptedPolicies)
    known: Known = field(default_factory=Known)

    def has(self, **changes: Any) -> None:
        """Change net-prod."""
        catalog = self.stage.catalog
        stack = replace(catalog.stacks[STACK], **changes)
        stacks = {**catalog.stacks, STACK: stack}
        self.stage.catalog = replace(catalog, stacks=stacks)

    def denying(self, name: str, *messages: str) -> Policy:
        """Return a task policy that says so."""
        self.policies.denying[name] = lambda _: {"deny": messages}
        return a_policy(name)

    def deciding(self, name: str, **ruling: Any) -> Policy:
        """Return an approval policy that rules so."""
        self.policies.deciding[name] = lambda _: ruling
        return a_policy(name)

    async def asks(self, text: str, by: Actor = ANN) -> Checked:
        """Type `/task check net-prod text`."""
        request = parse(f"check net-prod {text}")
        assert isinstance(request, CheckRequest)
        return await self._check()(request, by, CHANNEL, self.known)

    def _check(self) -> CheckTask:
        stage, catalog = self.stage, self.stage.catalog
        safe = Safe({"PASSWORD": "correct horse battery"})
        given: dict[str, Any] = {
            "catalog": catalog,
            "access": stage.access,
            "archive": stage.store.archive,
            "secrecy": Secrecy((), safe),
            "refusals": HoldRefusals(
                catalog=catalog,
                access=stage.access,
                archive=stage.store.archive,
                clock=stage.clock,
            ),
        }
        policing = Policing(
            access=stage.access,
            directory=stage.people,
            archive=stage.store.archive,
            policies=self.policies,
            clock=stage.clock,
        )
        enlist = Enlist(
            **given,
            directory=stage.people,
            record=stage.record,
            clock=stage.clock,
            policing=policing,
            promote=nothing,
        )
        return CheckTask(**given, enlist=enlist, policing=policing)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_holding(tmp_path) as stage:
        yield Desk(stage)


async def test_where_no_rule_is_nobody_has_to_agree(desk: Desk) -> None:
    checked = await desk.asks("terraform apply")

    assert checked.stance is Stance.AGREES
    assert (checked.asked, checked.opinions) == ("terraform apply", ())
    assert (checked.held, checked.now) == ("", "net-prod is free and nothing waits.")


async def test_each_rule_is_told_by_its_name(desk: Desk) -> None:
    desk.has(
        approvals=ApprovalRule(count=2, from_=("@platform",)),
        policies=(
            desk.denying("weekend.rego", "Not on a Sunday."),
            desk.denying("plain.rego"),
            desk.deciding("eyes.rego", undecided_notes=("Bob has to agree.",)),
            desk.deciding("night.rego", approve_notes=("It is day.",)),
        ),
    )

    checked = await desk.asks("terraform apply")

    assert checked.stance is Stance.REFUSES
    assert [line for opinion in checked.opinions for line in opinion.lines] == [
        "weekend.rego: Not on a Sunday.",
        "plain.rego denies nothing.",
        "approvals: 2 of @platform have to agree; nobody has.",
        "eyes.rego: Bob has to agree.",
        "night.rego: It is day.",
    ]
    assert [opinion.stance for opinion in checked.opinions] == [
        Stance.REFUSES,
        Stance.AGREES,
        Stance.ASKS,
        Stance.ASKS,
        Stance.AGREES,
    ]


async def test_it_would_wait_for_people(desk: Desk) -> None:
    desk.has(approvals=ApprovalRule(count=1))

    checked = await desk.asks("terraform apply")

    assert checked.stance is Stance.ASKS
    (opinion,) = checked.opinions
    assert opinion.lines == (
        "approvals: 1 of the writers of net-prod has to agree; nobody has.",
    )


async def test_what_is_on_the_allow_list_is_said_to_be(desk: Desk) -> None:
    desk.has(approvals=ApprovalRule(count=1, except_=("terraform plan",)))

    free = "Nobody has to agree to this command."
    listed = await desk.asks("terraform plan")
    more = await desk.asks("terraform plan; id")

    assert listed.stance is Stance.AGREES
    assert listed.opinions == (
        Opinion(
            rule=BUILT_IN,
            stance=Stance.AGREES,
            sentences=(f"{free} It matches terraform plan in except.",),
        ),
    )
    assert more.stance is Stance.ASKS


async def test_a_preset_that_asks_nobody_is_said_to_be_one(desk: Desk) -> None:
    preset = Preset(
        name="restart", command="./restart.sh", approvals=ApprovalRule(count=0)
    )
    desk.has(approvals=ApprovalRule(count=1), presets={"restart": preset})

    checked = await desk.asks("!restart")

    (opinion,) = checked.opinions
    assert "The preset !restart asks nobody" in opinion.lines[0]


async def test_a_stack_without_tasks_names_its_presets(desk: Desk) -> None:
    preset = Preset(name="restart", command="./restart.sh")
    desk.has(deny_tasks=True, presets={"restart": preset})

    command = await desk.asks("terraform apply")
    call = await desk.asks("!restart")

    assert command.stance is Stance.REFUSES
    assert "It has presets: !restart." in command.opinions[0].lines[0]
    assert call.stance is Stance.AGREES


async def test_policies_are_asked_about_the_one_who_asks(desk: Desk) -> None:
    desk.has(policies=(desk.denying("keys.rego"),))
    desk.stage.people.members["@platform"] = {BOB.id}

    await desk.asks("terraform apply", by=BOB)

    ((_, document),) = desk.policies.asked
    assert document["session"] == {
        "login": "U0BOB",
        "name": "bob",
        "teams": ["platform"],
        "admin": False,
        "machine": False,
        "creator_ip": "",
    }


async def test_a_preset_is_checked_as_it_would_run(desk: Desk) -> None:
    service = Parameter(name="service", kind=Choice(of=("api", "web")))
    preset = Preset(
        name="restart",
        command="./restart.sh",
        parameters={"service": service},
        runners=(RITA.id,),
    )
    desk.has(
        presets={"restart": preset},
        policies=(desk.deciding("night.rego", approve=True),),
    )

    checked = await desk.asks("!restart service=api", by=RITA)

    assert (checked.asked, checked.stance) == ("!restart service=api", Stance.AGREES)
    ((_, document),) = desk.policies.asked
    run = document["run"]
    assert isinstance(run, dict)
    assert (run["command"], run["parameters"]) == ("./restart.sh", {"service": "api"})


async def test_a_reader_is_told_that_only_writers_may(desk: Desk) -> None:
    desk.has(policies=(desk.denying("keys.rego"),))

    checked = await desk.asks("terraform apply", by=RITA)

    assert checked.stance is Stance.REFUSES
    assert "writer" in checked.refusal
    assert (checked.asked, checked.opinions, desk.policies.asked) == ("", (), [])


async def test_who_may_not_read_the_stack_is_refused(desk: Desk) -> None:
    desk.has(readers=())

    with pytest.raises(Refused) as refusal:
        await desk.asks("terraform apply", by=RITA)

    assert refusal.value.reason is Refusal.NOT_ALLOWED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!nowhere", Refusal.BAD_COMMAND),
        ("echo correct horse battery", Refusal.UNSAFE),
    ],
)
async def test_what_would_not_be_recorded_is_not_checked(
    desk: Desk, text: str, reason: Refusal
) -> None:
    desk.has(secrets={"PASSWORD": FromEnv(variable="PASSWORD")})

    with pytest.raises(Refused) as refusal:
        await desk.asks(text)

    assert refusal.value.reason is reason


async def test_what_was_not_checked_is_known_not_to_be_kept(desk: Desk) -> None:
    desk.has(secrets={"PASSWORD": FromEnv(variable="PASSWORD")})

    with pytest.raises(Refused):
        await desk.asks("echo correct horse battery")

    assert desk.known.about is not None
    assert "horse" not in desk.known.about.text("echo correct horse battery")


async def test_whoever_holds_the_stack_is_in_the_way_for_now(desk: Desk) -> None:
    await desk.stage.record.hold([a_hold(stack=STACK, by="bob", reason="surgery")])

    by_ann = await desk.asks("terraform apply")
    by_bob = await desk.asks("terraform apply", by=BOB)
    by_dora = await desk.asks("terraform apply", by=DORA)

    assert by_ann.stance is Stance.AGREES
    assert by_ann.held.startswith("bob has held net-prod")
    assert "surgery" in by_ann.held
    assert "Ask bob to reply unlock" in by_ann.held
    assert by_bob.held == ""
    assert "steal: <reason>" in by_dora.held


async def test_what_runs_and_waits_there_is_told(desk: Desk) -> None:
    for seconds in range(2):
        await desk.stage.record.submit(a_new_run(), later(seconds))
    await desk.stage.record.promote(NOON + timedelta(minutes=1))

    checked = await desk.asks("terraform apply")

    assert "Run 1 of ann has been ready" in checked.now
    assert "Waiting: run 2 (ann)." in checked.now


async def test_who_may_run_a_preset_and_not_read_is_told_no_names(desk: Desk) -> None:
    preset = Preset(name="restart", command="./restart.sh", runners=(RITA.id,))
    desk.has(presets={"restart": preset}, readers=())
    free = await desk.asks("!restart", by=RITA)
    await desk.stage.record.submit(a_new_run(), later(0))
    await desk.stage.record.promote(NOON + timedelta(minutes=1))

    busy = await desk.asks("!restart", by=RITA)

    assert free.now == "net-prod is free."
    assert busy.now == "net-prod is busy."


async def test_a_call_that_would_be_refused_is_told_as_refused(desk: Desk) -> None:
    text = Pattern(pattern="a*")
    names = tuple(f"p{number}" for number in range(12))
    parameters = {name: Parameter(name=name, kind=text) for name in names}
    preset = Preset(name="restart", command="./restart.sh", parameters=parameters)
    desk.has(presets={"restart": preset})
    call = " ".join(f"{name}={'a' * 1000}" for name in names)

    with pytest.raises(Refused, match="too long together"):
        await desk.asks(f"!restart {call}")


async def test_without_an_opa_policies_refuse(desk: Desk) -> None:
    desk.has(policies=(desk.deciding("eyes.rego"),))
    desk.policies.away = True

    checked = await desk.asks("terraform apply")

    assert (checked.stance, checked.refusal) == (Stance.REFUSES, "OPA does not answer.")


async def test_nothing_is_recorded(desk: Desk) -> None:
    desk.has(policies=(desk.deciding("eyes.rego", approve=True),))
    before = await desk.stage.verbs()

    await desk.asks("terraform apply")

    assert await desk.stage.verbs() == before
    assert await desk.stage.store.archive.last_runs(StackName(STACK), 10) == ()
