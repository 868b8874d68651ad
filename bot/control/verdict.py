"""What an outcome means for the record of its run."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from bot.domain.people import HANDRAIL
from bot.domain.plan import PLAN_FILE, SUMMARY_FILE, summary_of, text_of
from bot.domain.run import Reason, Run, RunState
from bot.ports import Ended, Plan
from runner.events import Ending, Outcome
from runner.job import Phase
from runner.masking.masker import Masks
from runner.telling import hidden

_REASONS: Final[Mapping[Ending, Reason]] = {
    Ending.TIMEOUT: Reason.TIMEOUT,
    Ending.SILENCE: Reason.SILENCE,
    Ending.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
    Ending.IMAGE: Reason.IMAGE,
    Ending.SOURCE: Reason.SOURCE,
    Ending.ENGINE: Reason.ENGINE,
    Ending.LOST: Reason.LOST,
}
_PARTIAL: Final = (
    "The command was cut off while it performed, so state may be partial: look at "
    "it before the next run."
)
_LOCKED: Final = (
    "The state may still be locked: if the next run says so, an admin can reply "
    "force-unlock in its thread."
)
_KILLED: Final = (
    "Something killed it: its memory limit, or whoever stopped its container or "
    "its engine. So state may be partial: look at it before the next run."
)
#: what a shell tells of a command that SIGKILL ended, and a container's init too
_SIGKILL_CODE: Final = 137
_KILLED_CODES: Final = frozenset({_SIGKILL_CODE, 143})
_ENGINE: Final = (
    "On the bot's host, `handrail check` says what is wrong with the engine."
)
#: endings at which nobody asked the command to give its locks back
_UNASKED: Final = frozenset({Ending.OUT_OF_MEMORY, Ending.ENGINE, Ending.LOST})
_PLAN_FILE: Final = "HANDRAIL_PLAN"
_NO_SUMMARY: Final = "The plan was made; what it would do stands in the output."
_GIVEN_UP: Final = (
    "Handrail itself failed; its log says how. Whether the container is gone is not "
    "known, so the stack stays busy: once it is, an admin can reply release: <reason>."
)
_KEPT: Final = (
    "The container could not be proven gone, so the stack stays busy. Once it is "
    "gone, an admin can reply release: <reason>."
)


def ended_of(outcome: Outcome, *, changes: bool = True) -> Ended:
    """Return how a run ends whose container ended like that.

    *changes* tells whether its command may have changed anything.
    """
    state, reason = _verdict(outcome)
    return Ended(
        state=state,
        actor=HANDRAIL,
        reason=reason,
        exit_code=outcome.exit_code,
        note=_note(outcome, changes=changes),
        release=outcome.container_gone,
    )


def unproven(outcome: Outcome) -> Ended:
    """Return how a run ends whose plan was made by a container that may be there."""
    return Ended(
        state=RunState.FAILED,
        actor=HANDRAIL,
        reason=Reason.ENGINE,
        note=_note(outcome, changes=False),
        release=False,
    )


def failed(reason: Reason, note: str) -> Ended:
    """Return how a run ends that Handrail itself did not let go on."""
    return Ended(state=RunState.FAILED, actor=HANDRAIL, reason=reason, note=note)


def given_up() -> Ended:
    """Return how a run ends that Handrail itself could not drive on."""
    return Ended(
        state=RunState.FAILED,
        actor=HANDRAIL,
        reason=Reason.ENGINE,
        note=_GIVEN_UP,
        release=False,
    )


def lacks_plan(run: Run, outcome: Outcome) -> bool:
    """Tell whether the plan that *run* would apply is not among what it left."""
    return _PLAN_FILE in run.apply and PLAN_FILE not in outcome.results


def plan_of(outcome: Outcome, masks: Masks) -> Plan | None:
    """Return what was planned, or None where to apply it would change nothing."""
    saved = outcome.results.get(PLAN_FILE)
    shown = outcome.results.get(SUMMARY_FILE, b"")

    def hide(text: str) -> str:
        return hidden(text, masks)

    summary = summary_of(shown, hide)
    if summary is not None and summary.changes_nothing:
        return None
    text = text_of(shown, hide) if summary is None else summary.text
    return Plan(
        summary=text or _NO_SUMMARY,
        digest="" if saved is None else sha256(saved).hexdigest(),
    )


def _verdict(outcome: Outcome) -> tuple[RunState, Reason | None]:
    if outcome.ending is Ending.STOPPED:
        return RunState.STOPPED, None
    if outcome.ending is not Ending.EXITED:
        return RunState.FAILED, _REASONS[outcome.ending]
    if outcome.phase is not Phase.PERFORMING:
        return RunState.FAILED, Reason.INIT
    if outcome.exit_code == 0:
        return RunState.FINISHED, None
    return RunState.FAILED, Reason.EXIT_CODE


def _note(outcome: Outcome, *, changes: bool) -> str:
    may_have = changes and outcome.phase is Phase.PERFORMING
    cut_off = may_have and outcome.ending in (
        Ending.TIMEOUT,
        Ending.SILENCE,
        Ending.OUT_OF_MEMORY,
        Ending.ENGINE,
        Ending.LOST,
    )
    exited = may_have and outcome.ending is Ending.EXITED
    killed = exited and outcome.exit_code in _KILLED_CODES
    # With a note the runner knows that it was not the command's own doing.
    from_outside = killed and bool(outcome.note)
    perhaps = killed and not outcome.note and outcome.exit_code == _SIGKILL_CODE
    notes = (
        sentence(outcome.note),
        _ENGINE if outcome.ending is Ending.ENGINE else "",
        _PARTIAL if cut_off or from_outside else "",
        _KILLED if perhaps else "",
        _LOCKED
        if from_outside or perhaps or (cut_off and outcome.ending in _UNASKED)
        else "",
        "" if outcome.container_gone else _KEPT,
    )
    return " ".join(filter(None, notes))


def sentence(note: str) -> str:
    """Make the runner's note stand among sentences."""
    return f"{note[:1].upper()}{note[1:].removesuffix('.')}." if note else ""
