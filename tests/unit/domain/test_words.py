"""Replies in a thread: whole message, exact."""

import pytest

from bot.domain.words import (
    Help,
    Lock,
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
    ],
)
def test_anything_else_is_talk(text: str) -> None:
    assert parse_word(text) is None
