"""What somebody filled in so far, as it is in Slack's view and goes back there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.control.form import Filled
from bot.domain.people import ChannelId, UserId
from bot.slack.press import team_of

STACK: Final = "task_stack"
PRESET: Final = "task_preset"
COMMAND: Final = "task_command"
INIT: Final = "task_init"
CHANNEL: Final = "task_channel"
PARAMETER: Final = "task_parameter"
#: the choice of no preset
OWN: Final = "-"
#: a view keeps so many characters (docs.slack.dev, "View object")
_KEPT: Final = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A form that is being filled in."""

    channel: str = ""  #: in which `/task` was typed; empty: it was opened at the Home
    stack: str = ""
    preset: str = ""  #: empty: a command of one's own
    command: str = ""
    runs_init: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    told_in: str = ""  #: the channel that was chosen, where it was asked for


def preset_block(stack: str) -> str:
    """Name the field of a stack's presets: what is chosen there goes with the stack."""
    return f"{PRESET}|{stack}"


def parameter_block(stack: str, preset: str, name: str) -> str:
    """Name the field of one parameter."""
    return f"{PARAMETER}|{stack}|{preset}|{name}"


def kept(draft: Draft) -> str:
    """Return what a view has to keep: what its fields do not show now."""
    short = {"channel": draft.channel, "init": draft.runs_init}
    whole = json.dumps({**short, "command": draft.command}, ensure_ascii=False)
    # What is longer is lost once a preset is chosen instead, and only then.
    return whole if len(whole) <= _KEPT else json.dumps(short)


def draft_in(view: Mapping[str, Any]) -> Draft:
    """Return what is filled in in *view*."""
    before: dict[str, Any] = json.loads(view.get("private_metadata") or "{}")
    values: dict[str, dict[str, Any]] = view["state"]["values"]
    stack = _option(values, STACK)
    preset = _option(values, preset_block(stack))
    return Draft(
        channel=before.get("channel", ""),
        stack=stack,
        preset="" if preset == OWN else preset,
        command=_text(values, COMMAND, before.get("command", "")),
        runs_init=_is_ticked(values, otherwise=before.get("init", True)),
        parameters=dict(_parameters(values, parameter_block(stack, preset, ""))),
        told_in=str(_state(values, CHANNEL).get("selected_conversation") or ""),
    )


def filled_in(body: Mapping[str, Any], draft: Draft) -> Filled:
    """Return *draft* as it was submitted."""
    where = draft.channel or draft.told_in
    return Filled(
        key=body["view"]["id"],
        user=UserId(body["user"]["id"]),
        team=team_of(dict(body)),
        channel=ChannelId(where) if where else None,
        stack=draft.stack,
        command="" if draft.preset else draft.command.strip(),
        skip_init=not draft.preset and not draft.runs_init,
        preset=draft.preset,
        parameters=draft.parameters if draft.preset else {},
    )


def _parameters(
    values: Mapping[str, dict[str, Any]], prefix: str
) -> Iterator[tuple[str, str]]:
    for block, states in values.items():
        if not block.startswith(prefix):
            continue
        state = states.get(PARAMETER, {})
        said = state.get("value") or (state.get("selected_option") or {}).get("value")
        if said:
            yield block.removeprefix(prefix), str(said)


def _state(values: Mapping[str, dict[str, Any]], block: str) -> dict[str, Any]:
    states = values.get(block, {})
    return states.get(block.partition("|")[0]) or {}


def _option(values: Mapping[str, dict[str, Any]], block: str) -> str:
    option = _state(values, block).get("selected_option") or {}
    return str(option.get("value") or "")


def _text(values: Mapping[str, dict[str, Any]], block: str, otherwise: str) -> str:
    return (
        str(_state(values, block).get("value") or "") if block in values else otherwise
    )


def _is_ticked(values: Mapping[str, dict[str, Any]], *, otherwise: bool) -> bool:
    if INIT not in values:
        return otherwise
    return bool(_state(values, INIT).get("selected_options"))
