"""The Home as Slack shows it, within what Slack takes."""

from dataclasses import replace
from typing import Any

from bot.control.home import HomePage, StackRow, Told
from bot.control.usable import Usable
from bot.domain.people import Role
from bot.domain.run import Approval, Run, ThreadId
from bot.domain.stack import StackName
from bot.ports import Thread
from bot.sandbox.limits import check_view
from bot.slack.home_view import home_view, refused
from tests.support.bot import a_stack, text_of
from tests.support.builders import CHANNEL, NOON, STACK, a_hold, a_run, later

EMPTY = HomePage(at=NOON, mine=(), waiting=(), more_waiting=0, stacks=())


def told(run: Run, ts: str | None = "1795176000.000100") -> Told:
    thread = Thread(id=run.thread, channel=CHANNEL, ts=ts, stack=STACK, run=run.id)
    return Told(run=run, thread=thread)


def a_row(name: str = "net-prod", *, role: Role = Role.WRITER, **more: Any) -> StackRow:
    usable = Usable(stack=a_stack(name), role=role, presets=())
    return StackRow(usable=usable, **more)


def a_pending_run(number: int = 1, **changes: Any) -> Run:
    run = replace(a_run(number=number), approval=Approval.PENDING, subject="5ub")
    note = "1 of @platform or U0ADA has to agree; nobody has."
    return replace(run, **{"approval_note": note, **changes})


def buttons(view: dict[str, Any]) -> list[tuple[str, str]]:
    elements = [e for b in view["blocks"] for e in b.get("elements", [])]
    accessories = [b["accessory"] for b in view["blocks"] if "accessory" in b]
    pressed = [e for e in [*elements, *accessories] if e["type"] == "button"]
    return [(e["action_id"], e.get("value", "")) for e in pressed]


def test_slack_takes_the_fullest_home_whatever_is_said_in_it() -> None:
    text = "<!channel> `x`" + "&" * 3_000
    run = a_pending_run(command=text, approval_note=text)
    rows = [
        a_row(f"net-{n}", hold=a_hold(reason=text, until=later(60)), running=run)
        for n in range(200)
    ]
    page = HomePage(
        at=NOON,
        mine=(told(run),) * 10,
        waiting=(told(run),) * 10,
        more_waiting=3,
        stacks=tuple(rows),
        freeze=a_hold(reason=text),
        unknown=tuple(StackName(f"s-{n}") for n in range(20)),
    )

    view = home_view(page, {ThreadId(1): "https://x"}, notice=text.replace("&", "x"))

    check_view(view, kind="home")
    read = [it for it in view["blocks"][2:] if it["type"] in {"section", "context"}]
    assert "<!channel>" not in text_of({"blocks": read})
    assert "And 170 more: Run a task finds them by name." in text_of(view)
    assert "And 3 more" in text_of(view)


def test_somebody_new_is_told_what_is_missing() -> None:
    view = check_view(home_view(EMPTY, {}), kind="home")

    assert "You have run nothing yet." in text_of(view)
    assert "to be made a writer" in text_of(view)
    assert "Waiting for" not in text_of(view)
    assert buttons(view) == [("home_refresh", "")]


def test_what_waits_can_be_approved_once_its_thread_is_there() -> None:
    page = replace(EMPTY, waiting=(told(a_pending_run()),))
    unposted = replace(EMPTY, waiting=(told(a_pending_run(), ts=None),))
    place = f"{CHANNEL}|1795176000.000100|5ub"

    view = home_view(page, {ThreadId(1): "https://x/1"})

    assert "<https://x/1|run 1>" in text_of(view)
    assert "1 of @platform or <@U0ADA> has to agree; nobody has." in text_of(view)
    assert buttons(view)[1:] == [("home_approve", place), ("home_reject", place)]
    assert buttons(home_view(unposted, {})) == [("home_refresh", "")]


def test_nobody_is_asked_to_agree_to_what_they_do_not_see() -> None:
    def shown(**changes: Any) -> dict[str, Any]:
        page = replace(EMPTY, waiting=(told(a_pending_run(**changes)),))
        return home_view(page, {})

    whole = shown(command="echo one\n" + "x" * 1_900, skip_init=True)
    preset = shown(command="./restart.sh", preset="restart", parameters={"n": "1"})
    deploy = shown(command="tofu plan", apply="tofu apply")
    long = shown(command="x" * 2_001)

    assert "echo one\n" + "x" * 1_900 in text_of(whole)
    assert "`--no-init`" in text_of(whole)
    assert "!restart n=1\n./restart.sh" in text_of(preset)
    assert "tofu plan\ntofu apply" in text_of(deploy)
    assert "look at it in its thread" in text_of(long)
    assert buttons(long) == [("home_refresh", "")]


def test_whose_run_keeps_a_stack_busy_is_for_readers() -> None:
    def shown(role: Role) -> str:
        row = a_row(role=role, running=a_run(by="bob"))
        return text_of(home_view(replace(EMPTY, stacks=(row,)), {}))

    assert ":rocket: run 1 of <@U0BOB>" in shown(Role.READER)
    assert ":rocket: busy" in shown(Role.NONE)
    assert "U0BOB" not in shown(Role.NONE)


def test_a_freeze_stands_above_all() -> None:
    page = replace(EMPTY, freeze=a_hold(by="ada", reason="audit"))

    assert ":snowflake: <@U0ADA> froze every stack since" in text_of(
        home_view(page, {})
    )


def test_a_refusal_takes_the_place_of_the_home() -> None:
    view = check_view(refused("Guests cannot use Handrail."), kind="home")

    assert "Guests cannot use Handrail." in text_of(view)
    assert buttons(view) == [("home_refresh", "")]
