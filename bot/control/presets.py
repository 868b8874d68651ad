"""Presets of a stack: who may run which, and whether one is still what it was."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from bot.control.access import Access
from bot.control.parameters import checked
from bot.domain.errors import Refusal, Refused
from bot.domain.people import Actor, Role
from bot.domain.preset import Preset
from bot.domain.preset_call import LONGEST_TOGETHER, MARK, written_call
from bot.domain.run import Run
from bot.domain.stack import Stack


async def runnable(
    access: Access, stack: Stack, name: str, actor: Actor
) -> tuple[Preset, Role]:
    """Return the preset called *name* and what *actor* is on *stack*, or refuse.

    Who may not even read the stack is told of no preset but those of their own.
    """
    role = await access.role(actor, stack)
    preset = stack.presets.get(name)
    if preset is not None and (
        role >= Role.READER or await access.may_run(preset, actor, stack)
    ):
        return preset, await access.require_runner(preset, actor, stack)
    own = [
        other.name
        for other in stack.presets.values()
        if await access.may_run(other, actor, stack)
    ]
    if not own:
        await access.require(Role.READER, actor, stack)
    raise _unknown(stack, name, own or stack.presets)


def fitting(preset: Preset, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the value of each parameter of *preset*, or refuse what is *given*."""
    parameters = checked(preset, given)
    call = len(written_call(preset.name, parameters))
    most = LONGEST_TOGETHER - len(preset.command)
    if call > most:
        raise _refused(
            f"The values are too long together: the call has {call:,} characters, and "
            f"at most {most:,} are taken, so that its thread shows all of it."
        )
    return parameters


def unchanged(run: Run, stack: Stack) -> Preset:
    """Return the preset of *run*, or refuse where that says another thing by now."""
    preset = stack.presets.get(run.preset)
    if preset is None:
        raise _refused(
            f"The preset {run.preset} of {stack.name} was removed from handrail.yaml "
            "before this run began, so nothing was run."
        )
    was = run.command, run.skip_init
    if (preset.command, preset.skip_init) != was:
        raise _refused(
            f"The preset {run.preset} of {stack.name} was changed in handrail.yaml "
            "before this run began, so nothing was run. Send it again."
        )
    checked(preset, run.parameters)
    return preset


def _unknown(stack: Stack, name: str, known: Collection[str]) -> Refused:
    near = get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {_marked(near, ' or ')}?"
    elif known:
        hint = f"There are: {_marked(sorted(known), ', ')}."
    else:
        hint = "It has none at all; add some below `presets` in handrail.yaml."
    return _refused(f"{stack.name} has no preset {name[:40]!r}. {hint}")


def _marked(names: Collection[str], between: str) -> str:
    return between.join(f"{MARK}{name}" for name in names)


def _refused(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.BAD_COMMAND)
