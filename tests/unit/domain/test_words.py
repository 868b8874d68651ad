"""Replies in a thread: whole message, exact."""

import pytest

from bot.domain.words import (
    Help,
    Lock,
    Redact,
    Release,
    Status,
    Stop,
    Unlock,
    Word,
    parse_word,
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("lock", Lock()),
        ("Lock", Lock()),
        (" lock ", Lock()),
        ("lock: moving state", Lock(reason="moving state")),
        ("lock : a: b", Lock(reason="a: b")),
        ("lock: a &amp; b", Lock(reason="a & b")),
        ("unlock", Unlock()),
        ("unlock: he is on leave", Unlock(reason="he is on leave")),
        ("release: the host is gone", Release(reason="the host is gone")),
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
        "lock the door",
        "Blocked the deploy, unlock later",
        "please unlock",
        "stop: now",
        "stop it",
        "status?",
        "lock\nunlock",
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
