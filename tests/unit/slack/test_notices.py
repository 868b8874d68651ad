"""Direct messages: six kinds, with what their reader can do at once."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.lock import EVERY
from bot.domain.people import api_actor
from bot.domain.telling import Notice, NoticeKind
from bot.slack.notices import notice
from tests.support.builders import a_hold, an_actor, later
from tests.unit.slack.shown import buttons_in, buttons_of, said

HOLD = a_hold(reason="audit")
SINCE = "<!date^1795176000^{date_short_pretty} {time_secs}|2026-11-20 12:00:00 UTC>"
UNTIL = "<!date^1795176600^{date_short_pretty} {time_secs}|2026-11-20 12:10:00 UTC>"
ENDING = replace(HOLD, until=later(600))
#: the kinds that are about a stack
OF_STACKS = [kind for kind in NoticeKind if kind is not NoticeKind.UNDONE]


@pytest.mark.parametrize(
    ("telling", "words"),
    [
        (
            Notice(
                kind=NoticeKind.STOLEN,
                stack="net-prod",
                hold=HOLD,
                actor=an_actor("ada"),
                reason="she is <ill>",
            ),
            ":lock: <@U0ADA> took *net-prod* over from you: she is &lt;ill&gt;.",
        ),
        (
            Notice(
                kind=NoticeKind.RELEASED,
                stack="net-prod",
                hold=HOLD,
                actor=an_actor("ada"),
                reason="late",
            ),
            ":unlock: <@U0ADA> released your hold on *net-prod*: late.",
        ),
        (
            Notice(kind=NoticeKind.ENDS_SOON, stack="net-prod", hold=ENDING),
            f":alarm_clock: Your hold on *net-prod* ends soon, at {UNTIL}: audit.",
        ),
        (
            Notice(kind=NoticeKind.STILL_NEEDED, stack="net-prod", hold=HOLD),
            (
                f":lock: You have held *net-prod* since {SINCE}: audit. It has no end. "
                "Do you still need it?"
            ),
        ),
        (
            Notice(kind=NoticeKind.HOLDER_GONE, stack="net-prod", hold=HOLD),
            (
                f":warning: The account of <@U0ANN> is deactivated, and it has held "
                f"*net-prod* since {SINCE}: audit. Reply `unlock: reason`, or `steal: "
                "reason`, in a thread of *net-prod*."
            ),
        ),
        (
            Notice(kind=NoticeKind.FREE, stack="net-prod"),
            ":unlock: *net-prod* is free for you now: send your command.",
        ),
        (
            Notice(kind=NoticeKind.UNDONE, stack="", reason="`/task` of 12:00"),
            (
                ":warning: Handrail was ended right after it heard your `/task` of "
                "12:00, so nothing of it was recorded, and nothing was run. Send it "
                "again."
            ),
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Notice) else "",
)
def test_a_direct_message_says_what_happened(telling: Notice, words: str) -> None:
    assert said(notice(telling)) == words


def test_of_a_key_no_account_is_said_to_be_deactivated() -> None:
    def told(until: datetime | None) -> str:
        hold = replace(HOLD, actor=api_actor("ci"), until=until)
        kind = NoticeKind.HOLDER_GONE
        return said(notice(Notice(kind=kind, stack="net-prod", hold=hold)))

    begin = f":warning: api::ci has held *net-prod* since {SINCE}: audit. "
    reply = "Reply `unlock: reason`, or `steal: reason`, in a thread of *net-prod*."
    assert told(later(600)) == f"{begin}That key was revoked or has expired. {reply}"
    assert told(None) == (
        f"{begin}That has no end, and no key can be asked whether it is still needed. "
        f"{reply}"
    )


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_the_buttons_are_those_of_what_can_be_done(kind: NoticeKind) -> None:
    buttons = buttons_of(notice(Notice(kind=kind, stack="net-prod", hold=ENDING)))

    assert buttons == {
        NoticeKind.ENDS_SOON: ["extend", "release_hold"],
        NoticeKind.STILL_NEEDED: ["keep_hold", "release_hold"],
    }.get(kind, [])


def test_a_button_is_about_exactly_that_hold() -> None:
    telling = Notice(kind=NoticeKind.ENDS_SOON, stack="net-prod", hold=ENDING)

    values = {button["value"] for button in buttons_in(notice(telling))}

    assert values == {"net-prod|2026-11-20T12:00:00+00:00"}


def test_a_freeze_is_no_stack_called_star() -> None:
    freeze = a_hold(stack=EVERY, by="ada")
    told = [
        said(notice(Notice(kind=kind, stack=EVERY, hold=hold)))
        for kind in OF_STACKS
        for hold in (freeze, None)
    ]

    assert all("every stack" in text and "*" not in text for text in told)
    assert any("`unfreeze: reason`" in text for text in told)


@pytest.mark.parametrize("kind", OF_STACKS)
def test_a_direct_message_can_do_without_what_is_not_known(kind: NoticeKind) -> None:
    assert "*net-prod*" in said(notice(Notice(kind=kind, stack="net-prod")))
