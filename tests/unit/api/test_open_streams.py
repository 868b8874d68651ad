"""How many streams may be open at once."""

from contextlib import ExitStack

import pytest

from bot.api.errors import Unanswerable
from bot.api.open_streams import OpenStreams
from bot.domain.errors import Refusal


def test_a_key_has_so_many_streams_and_those_that_were_closed_do_not_count() -> None:
    streams = OpenStreams(of_a_key=2, together=10)

    with ExitStack() as opened:
        for key in ("ci", "ci", "other"):
            opened.enter_context(streams.counted(key))
        with pytest.raises(Unanswerable, match="ci reads 2 streams") as refused:
            opened.enter_context(streams.counted("ci"))
    with streams.counted("ci"):
        pass

    assert refused.value.code is Refusal.TOO_OFTEN
    assert refused.value.headers == {"Retry-After": "15"}


def test_all_keys_together_have_so_many_streams() -> None:
    streams = OpenStreams(of_a_key=2, together=3)

    with ExitStack() as opened:
        for key in ("ci", "ci", "other"):
            opened.enter_context(streams.counted(key))
        with pytest.raises(Unanswerable, match="3 streams are open") as refused:
            opened.enter_context(streams.counted("third"))
    with streams.counted("third"):
        pass

    assert refused.value.code is Refusal.TOO_OFTEN
    assert refused.value.headers == {"Retry-After": "15"}
