"""Replies in a thread: whole message, exact."""

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Freeze,
    Help,
    Lock,
    NotifyMe,
    Redact,
    Reject,
    Release,
    Status,
    Steal,
    Stop,
    Unfreeze,
    Unlock,
    Word,
    parse_word,
)

HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("lock", Lock()),
        ("Lock", Lock()),
        (" lock ", Lock()),
        ("lock: moving state", Lock(reason="moving state")),
        ("lock : a: b", Lock(reason="a: b")),
        ("lock: a &amp; b", Lock(reason="a & b")),
        ("lock 2h", Lock(duration=2 * HOURS)),
        ("lock 2H: a", Lock(duration=2 * HOURS, reason="a")),
        ("lock 30m", Lock(duration=HOURS / 2)),
        ("lock 1h30m", Lock(duration=1.5 * HOURS)),
        ("lock 3d", Lock(duration=72 * HOURS)),
        ("lock 1d2h3m", Lock(duration=26 * HOURS + timedelta(minutes=3))),
        ("lock 0m", Lock(duration=timedelta())),
        ("lock 007m", Lock(duration=timedelta(minutes=7))),
        ("lock db-prod", Lock(stacks=("db-prod",))),
        ("lock Db_prod.1", Lock(stacks=("Db_prod.1",))),
        ("lock a, b: c, d", Lock(stacks=("a", "b"), reason="c, d")),
        ("lock a,b ,  c", Lock(stacks=("a", "b", "c"))),
        ("lock a, b, a", Lock(stacks=("a", "b"))),
        ("lock a, b 2h: c", Lock(stacks=("a", "b"), duration=2 * HOURS, reason="c")),
        ("lock a 2h", Lock(stacks=("a",), duration=2 * HOURS)),
        ("lock 2h, b", Lock(stacks=("2h", "b"))),
        ("lock a, 2h", Lock(stacks=("a", "2h"))),
        ("lock 5", Lock(stacks=("5",))),
        ("lock net\u2014prod", Lock(stacks=("net-prod",))),
        ("lock\u00a0a,\u00a0b", Lock(stacks=("a", "b"))),
        ("lock <http://net.prod|net.prod>", Lock(stacks=("net.prod",))),
        ("lock: a\u2014b\nc", Lock(reason="a\u2014b\nc")),
        ("unlock", Unlock()),
        ("unlock a, b", Unlock(stacks=("a", "b"))),
        ("unlock a: b", Unlock(stacks=("a",), reason="b")),
        ("unlock all mine", Unlock(all_mine=True)),
        ("Unlock  All mine", Unlock(all_mine=True)),
        ("unlock all mine: done", Unlock(all_mine=True, reason="done")),
        ("unlock all", Unlock(stacks=("all",))),
        ("steal", Steal()),
        ("steal: ", Steal()),
        ("Steal: she is on leave", Steal(reason="she is on leave")),
        ("freeze", Freeze()),
        ("freeze 2h", Freeze(duration=2 * HOURS)),
        ("freeze 2h: audit", Freeze(duration=2 * HOURS, reason="audit")),
        ("freeze: audit", Freeze(reason="audit")),
        ("unfreeze", Unfreeze()),
        ("unfreeze: over", Unfreeze(reason="over")),
        ("confirm", Confirm()),
        ("Discard", Discard()),
        ("force-unlock", ForceUnlock()),
        ("Force\u2014unlock", ForceUnlock()),
        ("force\u2011unlock", ForceUnlock()),
        ("notify me", NotifyMe()),
        ("Notify  me", NotifyMe()),
        ("unlock: he is on leave", Unlock(reason="he is on leave")),
        ("release", Release()),
        ("release:", Release()),
        ("release: the host is gone", Release(reason="the host is gone")),
        ("approve", Approve()),
        ("Approve", Approve()),
        ("approve: go, but watch it", Approve(note="go, but watch it")),
        ("reject: not on a Friday", Reject(note="not on a Friday")),
        ("reject", Reject()),
        ("reject:", Reject()),
        ("redact: hunter2 hunter2", Redact(text="hunter2 hunter2")),
        ("REDACT : hunter2", Redact(text="hunter2")),
        ("redact: a &lt;b&gt; &amp;amp; c", Redact(text="a <b> &amp; c")),
        ("redact: <http://x.io/?a=1|x.io/?a=1>", Redact(text="x.io/?a=1")),
        ("redact:two\nlines: of it ", Redact(text="two\nlines: of it")),
        ("redact: a\u00a0b", Redact(text="a\u00a0b")),
        ("\u00a0redact: \u201ca\u201d\u00a0", Redact(text="\u201ca\u201d")),
        ("redact\u00a0: `a b`", Redact(text="a b")),
        ("redact: ` a ` ", Redact(text="a")),
        ("redact: ```a\nb```", Redact(text="a\nb")),
        ("redact: ```\na &amp; b\n```", Redact(text="a & b")),
        ("redact: a `b` c", Redact(text="a `b` c")),
        ("redact: `a` b `c`", Redact(text="`a` b `c`")),
        ("redact: `a", Redact(text="`a")),
        ("redact: `", Redact(text="`")),
        ("redact: ``", Redact(text="``")),
        ("redact: ```a` b```", Redact(text="a` b")),
        ("redact", Redact()),
        ("redact: ", Redact()),
        ("stop", Stop()),
        ("status", Status()),
        ("help", Help()),
    ],
)
def test_a_whole_message_is_a_word(text: str, word: Word) -> None:
    assert parse_word(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lock:",
        "lock: \n",
        "unlock:",
        "freeze:",
        "lock the door",
        "lock the door: it is cold",
        "lock it",
        "Lock this",
        "unlock later: I am at it",
        "lock a, b and c",
        "lock a,",
        "lock ,a",
        "lock a,,b",
        "lock \u2014 it",
        "lock *",
        "lock it!",
        "lock 2h it",
        "lock " + "a" * 64,
        "locks",
        "unlock all of mine",
        "steal net-prod: now",
        "steal the show",
        "freeze net-prod",
        "freeze please",
        "unfreeze it",
        "confirm: yes",
        "confirmed",
        "approve:",
        "approve it",
        "approved",
        "approve net-prod: yes",
        "reject it: no",
        "rejected",
        "discard it",
        "force unlock",
        "force-unlock: 12",
        "notify",
        "notify me: now",
        "notify him",
        "Blocked the deploy, unlock later",
        "please unlock",
        "stop: now",
        "stop it",
        "status?",
        "lock\nunlock",
        "lock a,\nb: c",
        "notify\nme",
        "`lock`",
        "redact hunter2",
        "redacted: hunter2",
        "please redact: hunter2",
    ],
)
def test_anything_else_is_talk(text: str) -> None:
    assert parse_word(text) is None


def test_what_is_to_be_redacted_does_not_show_in_a_log() -> None:
    assert "hunter2" not in repr(Redact(text="hunter2"))


@pytest.mark.parametrize("unit", ["d", "h", "m"])
@pytest.mark.parametrize("digits", ["9" * 7, "9" * 60, "1" + "0" * 6])
def test_a_duration_of_any_length_is_beyond_what_a_hold_may_last(
    digits: str, unit: str
) -> None:
    word = parse_word(f"lock {digits}{unit}")

    assert isinstance(word, Lock)
    assert word.duration is not None
    assert word.duration > timedelta(days=60)


def test_every_word_but_a_button_can_be_said() -> None:
    said = {
        type(parse_word(text))
        for text in (
            *("lock", "unlock", "steal", "freeze", "unfreeze", "stop", "confirm"),
            *("discard", "force-unlock", "notify me", "release", "redact", "status"),
            *("approve", "reject", "help"),
        )
    }

    assert {word.__name__ for word in get_args(Word)} - {
        word.__name__ for word in said
    } == {"RunAgain"}


@given(
    st.text()
    | st.text(alphabet="lockunstealfrz 2h,:-\u2014<>|&;\n")
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(["lock", "unlock", "freeze", "steal", "redact", "notify"]),
        st.sampled_from([" ", ": ", ":", "\u00a0", ", ", "\n", ""]),
        st.text(),
    )
)
def test_nothing_that_is_said_breaks_the_parser(text: str) -> None:
    word = parse_word(text)

    assert word is None or isinstance(word, get_args(Word))


@given(st.text(alphabet=st.characters(categories=["L", "Z", "N"]), min_size=1))
def test_a_sentence_is_no_list_of_stacks(text: str) -> None:
    assert parse_word(f"lock the {text}") is None or not text.split()


@given(
    st.lists(
        st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True),
        min_size=2,
        max_size=5,
        unique=True,
    ),
    st.integers(min_value=0, max_value=999),
)
def test_any_names_of_stacks_make_a_list(names: list[str], hours: int) -> None:
    word = parse_word(f"lock {', '.join(names)} {hours}h: why")

    assert word == Lock(stacks=tuple(names), duration=hours * HOURS, reason="why")
