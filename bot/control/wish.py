"""A word in its place: who said it, where, and about what."""

from dataclasses import dataclass

from bot.domain.errors import Refusal, Refused
from bot.domain.people import Actor
from bot.domain.run import RunId
from bot.domain.stack import Stack, StackName
from bot.domain.telling import Said
from bot.ports import Record, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants who may be in that thread at all."""

    actor: Actor
    stack: Stack
    thread: Thread
    ts: str = ""  #: of the reply; a button has none
    said_ts: str = ""  #: Slack's timestamp of the word, by reply or by button
    is_former: bool = False  #: the stack is not in handrail.yaml any more

    def run(self, word: str) -> RunId:
        """Return the thread's run, or refuse the *word* that needs one."""
        if self.thread.run is None:
            raise Refused(
                f"There is no run in this thread. Reply {word} in the thread of the "
                "run that you mean.",
                reason=Refusal.BAD_COMMAND,
            )
        return self.thread.run


def former(stack: StackName) -> Stack:
    """Return what is left of a stack that is not in handrail.yaml any more.

    Only those above all stacks have a role on it.
    """
    return Stack(name=stack, image="", writers=(), readers=())


async def answer(wish: Wish, text: str, record: Record) -> None:
    """Say *text* in the thread, to whoever wished."""
    await record.tell(wish.thread.id, [Said(text=text, to=wish.actor)])
