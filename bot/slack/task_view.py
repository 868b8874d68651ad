"""The form of a task as Slack shows it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bot.control import form
from bot.control.form import Chosen, Misfilled
from bot.control.submit import Accepted
from bot.control.usable import Usable, Within
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset, in_words
from bot.domain.stack import StackName
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import SECTION_LENGTH
from bot.slack.mrkdwn import clipped, escaped, shortened
from bot.slack.task_draft import (
    CHANNEL,
    COMMAND,
    INIT,
    OWN,
    PARAMETER,
    PRESET,
    STACK,
    Draft,
    kept,
    parameter_block,
    preset_block,
)

FORM: Final = "task_form"

#: options of a menu, and characters of one (docs.slack.dev, "Select menu element")
MOST_OPTIONS: Final = 100
_OPTION: Final = 75
#: characters of a text field
_TYPED: Final = 3_000
_ERROR: Final = 1_000
_HINT: Final = 150
_NAMED: Final = 10
_MARKS: Final = ".!?…:"
_OWN_LABEL: Final = "A command of your own"
#: what is said to somebody who may use no stack
NOTHING: Final = (
    "There is no stack that you may run anything on. Ask an admin of Handrail to be "
    "made a writer of one in handrail.yaml."
)


def loading() -> Block:
    """Return what is shown until it is known what somebody may use."""
    return _view([section(":hourglass_flowing_sand: Looking up your stacks…")])


def said(mrkdwn: str) -> Block:
    """Return the form with a message in its place."""
    return _view([section(shortened(mrkdwn, SECTION_LENGTH))], close="Close")


def recorded(accepted: Accepted) -> Block:
    """Return what is shown of a run that is told elsewhere."""
    run = accepted.run
    return said(
        f":white_check_mark: Run {run.id} of *{escaped(run.stack)}* is recorded in "
        f"<#{accepted.channel}>."
    )


def refused(sentence: str, draft: Draft) -> Block:
    """Return why there is no form, and what was filled in, which is not lost."""
    view = said(sentence)
    if not draft.command:
        return view
    typed = preformatted(clipped(draft.command, SECTION_LENGTH))
    return view | {"blocks": [*view["blocks"], context("You had typed:"), typed]}


def working(draft: Draft) -> Block:
    """Return what is shown while a form that was submitted is looked at."""
    return said(f":hourglass_flowing_sand: *{escaped(draft.stack)}*: being recorded…")


def task_form(
    draft: Draft, within: Within, stack: Chosen | None, *, notice: str = ""
) -> Block:
    """Return the form with *draft* filled in.

    *notice* says why it is not a run yet; escaped text.
    """
    if not within.stacks:
        return said(f"{NOTHING} {left_out(within.unknown)}".strip())
    blocks = [
        *_noticed(notice),
        _stacks(draft, within.stacks),
        *([context(left_out(within.unknown))] if within.unknown else []),
        *_what(draft, within, stack),
        *_place(draft, stack),
    ]
    return _view(blocks, submit="Run") | {"private_metadata": kept(draft)}


def offered(stacks: Sequence[Usable], typed: str) -> list[Block]:
    """Return the first hundred stacks whose names have what was typed in them."""
    wanted = typed.strip().lower()
    names = [it.stack.name for it in stacks if wanted in it.stack.name]
    ordered = sorted(names, key=lambda name: (not name.startswith(wanted), name))
    return [_option(name, name) for name in ordered[:MOST_OPTIONS]]


def left_out(unknown: Sequence[StackName]) -> str:
    """Return that nobody can tell who may use these, "" for none."""
    if not unknown:
        return ""
    names = ", ".join(unknown[:_NAMED])
    more = ", …" if len(unknown) > _NAMED else ""
    return (
        f"Slack could not be asked who may use {escaped(names)}{more}, so that is "
        "left out. Try again in a minute."
    )


def errors_of(
    misfilled: Misfilled, draft: Draft, view: Mapping[str, Any]
) -> dict[str, str]:
    """Return what to say at which field of *view*, at the stack's for want of it."""
    fields = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    errors: dict[str, str] = {}
    for name, sentence in misfilled.of.items():
        block = _block_of(name, draft)
        place = block if block in fields else STACK
        errors[place] = " ".join(filter(None, [errors.get(place), sentence]))
    return {block: clipped(text, _ERROR) for block, text in errors.items()}


def _block_of(name: str, draft: Draft) -> str:
    known = {
        form.STACK: STACK,
        form.COMMAND: COMMAND,
        form.PRESET: preset_block(draft.stack),
        form.CHANNEL: CHANNEL,
    }
    return known.get(name) or parameter_block(draft.stack, draft.preset, name)


def _stacks(draft: Draft, stacks: Sequence[Usable]) -> Block:
    chosen = _option(draft.stack, draft.stack) if draft.stack else None
    if len(stacks) > MOST_OPTIONS:
        menu: Block = {"type": "external_select", "min_query_length": 0}
    else:
        options = [_option(it.stack.name, it.stack.name) for it in stacks]
        menu = {"type": "static_select", "options": options}
        chosen = chosen if chosen in options else None
    if chosen is not None:
        menu["initial_option"] = chosen
    menu["placeholder"] = _plain("Choose a stack")
    return _input(STACK, "Stack", menu, acts=True)


def _what(draft: Draft, within: Within, stack: Chosen | None) -> Iterator[Block]:
    """Return the fields of a preset, or of a command."""
    if stack is None:
        if any(it.takes_commands for it in within.stacks):
            yield from _command(draft)
        return
    if stack.in_the_way:
        yield section(f":lock: {shortened(escaped(stack.in_the_way), SECTION_LENGTH)}")
    usable = stack.usable
    preset = _preset_of(draft, usable)
    if usable.presets:
        yield _presets(draft.stack, preset, usable)
    if preset is not None:
        yield from _of_preset(draft, preset)
    elif usable.takes_commands:
        yield from _command(draft)
    elif not usable.presets:
        yield section(f"You may not run anything on *{escaped(usable.stack.name)}*.")


def _preset_of(draft: Draft, usable: Usable) -> Preset | None:
    named = {it.name: it for it in usable.presets}
    only = usable.presets[0] if usable.presets and not usable.takes_commands else None
    return named.get(draft.preset, only)


def _presets(stack: str, preset: Preset | None, usable: Usable) -> Block:
    own = [_option(_OWN_LABEL, OWN)] if usable.takes_commands else []
    named = [
        _option(it.name, it.name, about=it.description)
        for it in usable.presets[: MOST_OPTIONS - len(own)]
    ]
    options = [*own, *named]
    wanted = OWN if preset is None else preset.name
    menu = {
        "type": "static_select",
        "options": options,
        "initial_option": next(
            (it for it in options if it["value"] == wanted), options[0]
        ),
    }
    return _input(PRESET, "What to run", menu, acts=True, block=preset_block(stack))


def _of_preset(draft: Draft, preset: Preset) -> Iterator[Block]:
    if preset.description:
        yield section(shortened(escaped(preset.description), SECTION_LENGTH))
    yield preformatted(clipped(preset.command, SECTION_LENGTH))
    for name, parameter in preset.parameters.items():
        yield _parameter(draft, preset, parameter, draft.parameters.get(name))


def _parameter(
    draft: Draft, preset: Preset, parameter: Parameter, value: str | None
) -> Block:
    first = parameter.default if value is None else value
    is_optional = parameter.default is not None
    return _input(
        PARAMETER,
        parameter.name,
        _value_of(parameter, first),
        block=parameter_block(draft.stack, preset.name, parameter.name),
        hint=_hint_of(parameter),
        optional=is_optional,
    )


def _value_of(parameter: Parameter, first: str | None) -> Block:
    match parameter.kind:
        case Choice(of=of) if _fit(of):
            options = [_option(text, text) for text in of]
            menu: Block = {"type": "static_select", "options": options}
            if first in of:
                menu["initial_option"] = options[of.index(first)]
            return menu
        case _:
            element: Block = {"type": "plain_text_input"}
            if first:
                element["initial_value"] = first
            return element


def _fit(texts: Sequence[str]) -> bool:
    """Tell whether a menu can have each of them."""
    return len(texts) <= MOST_OPTIONS and all(0 < len(it) <= _OPTION for it in texts)


def _hint_of(parameter: Parameter) -> str:
    parts = [_sentence(parameter.description), _wanted(parameter)]
    if parameter.default is not None:
        parts.append(f"Otherwise {parameter.default}." if parameter.default else "")
    return clipped(" ".join(filter(None, parts)), _HINT * 2)


def _sentence(text: str) -> str:
    """Return *text* with a full stop, unless it ends in a mark of its own."""
    ends = text.rstrip()
    return f"{ends}." if ends and ends[-1] not in _MARKS else ends


def _wanted(parameter: Parameter) -> str:
    match parameter.kind:
        case Integer():
            return f"A whole {in_words(parameter.kind)}."
        case Pattern(pattern=pattern):
            return f"As {clipped(pattern, _HINT)}."
        case Choice(of=of):
            return "" if _fit(of) else f"One of {clipped(', '.join(of), _HINT)}."


def _command(draft: Draft) -> Iterator[Block]:
    element: Block = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": _TYPED,
        "placeholder": _plain("terraform state list"),
    }
    if draft.command:
        element["initial_value"] = clipped(draft.command, _TYPED)
    yield _input(COMMAND, "Command", element)
    ticked = _option("Run the stack's init first", "init")
    boxes: Block = {"type": "checkboxes", "options": [ticked]}
    if draft.runs_init:
        boxes["initial_options"] = [ticked]
    yield _input(INIT, "Initialization", boxes, optional=True)


def _place(draft: Draft, stack: Chosen | None) -> Iterator[Block]:
    if draft.channel or stack is None or stack.usable.stack.channel is not None:
        return
    menu: Block = {
        "type": "conversations_select",
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if draft.told_in:
        menu["initial_conversation"] = draft.told_in
    hint = "The run is told there, in a thread of its own. Handrail has to be in it."
    yield _input(CHANNEL, "Channel", menu, hint=hint)


def _noticed(notice: str) -> list[Block]:
    if not notice:
        return []
    return [section(f":warning: {shortened(notice, SECTION_LENGTH)}")]


def _view(blocks: list[Block], *, submit: str = "", close: str = "Cancel") -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": FORM,
        "title": _plain("Run a task"),
        "close": _plain(close),
        "blocks": blocks,
    }
    return view | {"submit": _plain(submit)} if submit else view


def _input(
    action: str,
    label: str,
    element: Block,
    *,
    block: str = "",
    hint: str = "",
    optional: bool = False,
    acts: bool = False,
) -> Block:
    field: Block = {
        "type": "input",
        "block_id": block or action,
        "label": _plain(label),
        "element": {**element, "action_id": action},
        "optional": optional,
        "dispatch_action": acts,
    }
    return field | {"hint": _plain(hint)} if hint else field


def _option(text: str, value: str, *, about: str = "") -> Block:
    option: Block = {"text": _plain(clipped(text, _OPTION)), "value": value}
    if about:
        option["description"] = _plain(clipped(about, _OPTION))
    return option


def _plain(text: str) -> Block:
    # Without "emoji" a stack called `a:x:b` would be shown with a sign in it.
    return {"type": "plain_text", "text": text, "emoji": False}
