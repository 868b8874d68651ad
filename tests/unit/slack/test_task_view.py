"""The form of a task: what it offers, and that Slack takes it whatever is in it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.control.form import Chosen, Misfilled
from bot.control.submit import Accepted
from bot.control.usable import Usable, Within
from bot.domain.errors import Refusal
from bot.domain.people import ChannelId, Role
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.stack import StackName
from bot.sandbox.forms import state_values
from bot.sandbox.limits import check_view
from bot.slack import task_view as views
from bot.slack.mrkdwn import escaped
from bot.slack.task_draft import Draft, draft_in, filled_in
from tests.support.bot import a_stack, text_of
from tests.support.builders import a_run

NET = Usable(stack=a_stack("net-prod"), role=Role.WRITER, presets=())
TYPED = Draft(channel="C0INFRA", stack="net-prod", command="echo one")
HOSTILE = "<!channel> *x* `y` &amp; \u202e" + "z" * 3_000


def a_preset(*parameters: Parameter, **more: Any) -> Preset:
    named = {parameter.name: parameter for parameter in parameters}
    return Preset(name="restart", command="./restart", parameters=named, **more)


def with_presets(*presets: Preset, role: Role = Role.WRITER) -> Usable:
    stack = replace(NET.stack, presets={preset.name: preset for preset in presets})
    return Usable(stack=stack, role=role, presets=presets)


def shown(draft: Draft = TYPED, usable: Usable = NET, **more: Any) -> dict[str, Any]:
    """Return the form of somebody who may use that one stack, as Slack takes it."""
    within = Within(stacks=(usable,))
    view = views.task_form(draft, within, Chosen(usable=usable), **more)
    return check_view(view, kind="modal")


def fields(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {b["block_id"]: b for b in view["blocks"] if b["type"] == "input"}


def submitted(view: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return what Slack sends of *view*, with *values* by block and action id."""
    given = {block: {block.partition("|")[0]: it} for block, it in values.items()}
    return {**view, "id": "V1", "state": {"values": state_values(view, given)}}


def marked_up(view: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks in which Slack reads mentions."""
    return [it for it in view["blocks"] if it["type"] in {"section", "context"}]


def test_a_command_is_asked_for_with_the_init_ticked() -> None:
    view = shown(Draft(channel="C0INFRA", stack="net-prod"))

    assert list(fields(view)) == ["task_stack", "task_command", "task_init"]
    element = fields(view)["task_command"]["element"]
    assert (element["multiline"], element["max_length"]) == (True, 3_000)
    init = fields(view)["task_init"]
    assert init["element"]["initial_options"] == init["element"]["options"]
    assert init["optional"]  # else it could not be unticked
    assert view["submit"]["text"] == "Run"


def test_what_is_filled_in_comes_back_as_it_was() -> None:
    draft = replace(TYPED, runs_init=False)

    assert draft_in(submitted(shown(draft))) == draft


def test_only_what_was_chosen_for_this_very_stack_counts() -> None:
    usable = with_presets(a_preset())
    view = shown(TYPED, usable)
    other = fields(view)["task_preset|net-prod"]
    view["blocks"].append({**other, "block_id": "task_preset|elsewhere"})

    sent = submitted(view, **{"task_preset|elsewhere": "restart"})

    assert draft_in(sent) == TYPED


def test_a_command_survives_a_look_at_a_preset_unless_it_is_too_long() -> None:
    usable = with_presets(a_preset())
    looked_at = replace(TYPED, preset="restart", runs_init=False)

    assert draft_in(submitted(shown(looked_at, usable))) == looked_at
    long = replace(looked_at, command="x" * 3_000)
    assert draft_in(submitted(shown(long, usable))).command == ""


def test_each_kind_of_parameter_has_its_field() -> None:
    preset = a_preset(
        Parameter(name="service", kind=Choice(of=("api", "web")), description="Which"),
        Parameter(name="count", kind=Integer(least=1, most=5), default="2"),
        Parameter(name="note", kind=Pattern(pattern="[a-z]+"), default=""),
    )
    view = shown(replace(TYPED, preset="restart"), with_presets(preset))

    named = {name.rpartition("|")[2]: it for name, it in fields(view).items()}
    service, count, note = named["service"], named["count"], named["note"]
    assert service["element"]["type"] == "static_select"
    assert not service["optional"]
    assert service["hint"]["text"] == "Which."
    assert count["element"]["initial_value"] == "2"
    assert count["optional"]
    assert count["hint"]["text"] == "A whole number from 1 to 5. Otherwise 2."
    assert note["hint"]["text"] == "As [a-z]+."
    assert "task_command" not in fields(view)


@pytest.mark.parametrize(
    ("description", "hint"),
    [
        ("Why", "Why. As OPS-[0-9]+. Otherwise OPS-0."),
        ("Why (in short) ", "Why (in short). As OPS-[0-9]+. Otherwise OPS-0."),
        ("Why?", "Why? As OPS-[0-9]+. Otherwise OPS-0."),
        ("Say why…", "Say why… As OPS-[0-9]+. Otherwise OPS-0."),
        ("", "As OPS-[0-9]+. Otherwise OPS-0."),
    ],
)
def test_a_hint_is_made_of_sentences(description: str, hint: str) -> None:
    ticket = Parameter(
        name="ticket",
        kind=Pattern(pattern="OPS-[0-9]+"),
        description=description,
        default="OPS-0",
    )
    view = shown(replace(TYPED, preset="restart"), with_presets(a_preset(ticket)))

    (field,) = [it for name, it in fields(view).items() if "ticket" in name]
    assert field["hint"]["text"] == hint


def test_texts_that_are_no_options_are_typed() -> None:
    long = a_preset(Parameter(name="which", kind=Choice(of=("a" * 76, "b"))))
    many = a_preset(
        Parameter(name="which", kind=Choice(of=tuple(map(str, range(101)))))
    )

    for preset in (long, many):
        view = shown(replace(TYPED, preset="restart"), with_presets(preset))
        (field,) = [it for name, it in fields(view).items() if "which" in name]
        assert field["element"]["type"] == "plain_text_input"
        assert field["hint"]["text"].startswith("One of ")


def test_a_preset_is_submitted_without_a_command() -> None:
    preset = a_preset(Parameter(name="service", kind=Choice(of=("api", "web"))))
    view = shown(replace(TYPED, preset="restart"), with_presets(preset))
    name = "task_parameter|net-prod|restart|service"

    sent = submitted(view, **{name: "web"})
    body = {"view": sent, "user": {"id": "U1", "team_id": "T1"}}
    filled = filled_in(body, draft_in(sent))

    assert (filled.preset, filled.parameters) == ("restart", {"service": "web"})
    assert (filled.command, filled.skip_init) == ("", False)
    assert filled.asked == "!restart service=web"


def test_who_may_only_run_presets_is_asked_for_no_command() -> None:
    runner = with_presets(a_preset(), role=Role.READER)
    nothing_chosen = views.task_form(
        Draft(channel="C0INFRA"), Within(stacks=(runner,)), None
    )

    assert list(fields(shown(TYPED, runner))) == ["task_stack", "task_preset|net-prod"]
    assert list(fields(nothing_chosen)) == ["task_stack"]


def test_a_channel_is_asked_for_where_neither_form_nor_stack_has_one() -> None:
    own = replace(NET, stack=replace(NET.stack, channel=ChannelId("C0NET")))

    assert "task_channel" not in fields(shown())
    assert "task_channel" in fields(shown(replace(TYPED, channel="")))
    assert "task_channel" not in fields(shown(replace(TYPED, channel=""), own))


def test_a_hundred_stacks_are_a_menu_and_more_are_looked_up() -> None:
    def menu(count: int) -> str:
        stacks = tuple(
            replace(NET, stack=a_stack(f"net-{number}")) for number in range(count)
        )
        draft = Draft(channel="C0INFRA")
        view = views.task_form(draft, Within(stacks=stacks), None)
        kind: str = fields(check_view(view, kind="modal"))["task_stack"]["element"][
            "type"
        ]
        return kind

    assert (menu(100), menu(101)) == ("static_select", "external_select")


def test_stacks_are_found_by_a_part_of_their_names_those_that_begin_so_first() -> None:
    stacks = [
        replace(NET, stack=a_stack(name)) for name in ("a-net", "db", "net-b", "net-a")
    ]

    found = views.offered(stacks, " NET")

    assert [it["value"] for it in found] == ["net-a", "net-b", "a-net"]


@pytest.mark.parametrize("text", [HOSTILE, "&" * 3_000, "x"])
def test_slack_takes_the_form_whatever_is_said_in_it(text: str) -> None:
    preset = a_preset(
        Parameter(
            name="n" * 60,
            kind=Pattern(pattern=text),
            description=text,
            default=text[:1_000],
        ),
        description=text,
    )
    usable = with_presets(replace(preset, command=text))
    draft = replace(TYPED, command=text, preset="restart")
    within = Within(stacks=(usable,), unknown=(StackName("x"),) * 12)
    chosen = Chosen(usable=usable, in_the_way=text)

    for one in (draft, replace(draft, preset="")):
        view = views.task_form(one, within, chosen, notice=escaped(text))
        assert "<!channel>" not in text_of({"blocks": marked_up(view)})
        check_view(view, kind="modal")
    for view in (views.refused(text, draft), views.working(draft), views.loading()):
        check_view(view, kind="modal")


def test_an_error_without_its_field_stands_at_the_stack() -> None:
    of = {"command": "No.", "preset": "Nor this.", "count": "x" * 2_000}
    misfilled = Misfilled("No.", reason=Refusal.BAD_COMMAND, of=of)

    errors = views.errors_of(misfilled, TYPED, shown())

    assert errors["task_command"] == "No."
    assert errors["task_stack"].startswith("Nor this. xxx")
    assert len(errors["task_stack"]) == 1_000


def test_who_may_use_nothing_is_told_so() -> None:
    view = views.task_form(Draft(), Within(stacks=(), unknown=(StackName("a"),)), None)

    assert "no stack that you may run anything on" in text_of(view)
    assert "asked who may use a," in text_of(view)
    assert "submit" not in view


def test_a_run_that_is_told_elsewhere_says_where() -> None:
    view = views.recorded(Accepted(run=a_run(), channel=ChannelId("C0OTHER")))

    assert "Run 1 of *net-prod* is recorded in <#C0OTHER>." in text_of(view)
