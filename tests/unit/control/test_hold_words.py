"""Reasons lose their secrets before anybody stores them."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.control.hold_words import HoldWord, HoldWords
from bot.control.secrecy import NOT_KEPT, Secrecy
from bot.control.wish import Wish
from bot.domain.errors import LateWord, Refused
from bot.domain.people import Actor
from bot.domain.stack import FromCommand, FromEnv, StackName
from bot.domain.telling import Released
from bot.domain.words import Freeze, Lock, Steal, Unfreeze, Unlock
from bot.ports import Archive
from tests.support.builders import STACK
from tests.unit.control.holding import (
    ADA,
    ANN,
    BOB,
    DB,
    DORA,
    RITA,
    VAULT,
    Holding,
    Secrets,
    a_holding,
)
from tests.unit.control.stand_ins import Safe

PASSWORD = "correct horse battery"
SECRET = {"PASSWORD": FromEnv(variable="DB_PASSWORD")}
PROGRAM = {"PASSWORD": FromCommand(arguments=("vault", "read"))}


@dataclass
class Spoken:
    """What is said on the card of net-prod."""

    stage: Holding
    words: HoldWords
    safe: Safe

    async def __call__(self, word: HoldWord, by: Actor, ts: str = "") -> None:
        await self.words(await self.wish(by, ts), word)

    async def wish(self, by: Actor, ts: str = "") -> Wish:
        archive: Archive = self.stage.store.archive
        return Wish(
            actor=by,
            stack=self.stage.catalog.stack(STACK),
            thread=await archive.thread(self.stage.thread),
            said_ts=ts,
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Holding]:
    secrets: Secrets = {DB: SECRET, STACK: SECRET, VAULT: PROGRAM}
    async with a_holding(tmp_path, secrets=secrets) as holding:
        yield holding


@pytest.fixture
def say(stage: Holding) -> Spoken:
    safe = Safe({"DB_PASSWORD": PASSWORD})
    words = HoldWords(
        holds=stage.holds,
        access=stage.access,
        record=stage.record,
        words=stage.words,
        secrecy=Secrecy((), safe),
    )
    return Spoken(stage, words, safe)


async def test_the_secret_of_any_stack_of_a_list_is_hidden(
    stage: Holding, say: Spoken
) -> None:
    await say(Lock(stacks=(DB,), reason=f"try {PASSWORD} now"), ANN)

    assert (await stage.held())[DB].reason == "try ***** now"


async def test_every_word_s_reason_is_hidden(stage: Holding, say: Spoken) -> None:
    why = f"try {PASSWORD} now"

    await say(Lock(), ANN)
    await say(Steal(reason=why), DORA)
    stolen = (await stage.held())[STACK].reason
    await say(Freeze(reason=why), ADA)
    frozen = (await stage.held())[StackName("*")].reason
    await say(Unfreeze(reason=why), ADA)
    await say(Unlock(reason=why), DORA)
    await say(Lock(), ANN)
    await say(Unlock(all_mine=True, reason=why), ANN)

    assert stolen == frozen == "try ***** now"
    released = [told.reason for told in await stage.told(Released)]
    assert released == ["try ***** now"] * 3


async def test_a_reason_is_not_kept_while_a_secret_cannot_be_read(
    stage: Holding, say: Spoken
) -> None:
    say.safe.values.clear()

    await say(Lock(reason=f"try {PASSWORD} now"), ANN)

    assert (await stage.held())[STACK].reason == NOT_KEPT


async def test_no_program_runs_for_whoever_may_nothing(
    stage: Holding, say: Spoken
) -> None:
    await stage.record.hold([stage.orphan()])

    with pytest.raises(Refused, match="no writer of vault"):
        await say(Lock(stacks=(VAULT,), reason="mine"), ANN)
    await say(Unlock(stacks=(VAULT,), reason="mine"), RITA)

    assert [told.reason for told in await stage.told(Released)] == [NOT_KEPT]


async def test_without_a_name_the_thread_s_own_stack_is_meant(
    stage: Holding, say: Spoken
) -> None:
    await say(Lock(), BOB)

    assert set(await stage.held()) == {STACK}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (Unlock(), Lock()),
        (Unlock(stacks=(DB, STACK)), Lock()),
        (Unlock(all_mine=True), Lock(stacks=(STACK, DB))),
        (Steal(reason="x"), Lock()),
    ],
)
async def test_a_lock_that_was_overtaken_is_not_taken(
    stage: Holding, say: Spoken, newer: HoldWord, older: HoldWord
) -> None:
    with suppress(Refused):
        await say(newer, DORA, "1700000002.000000")

    with pytest.raises(LateWord):
        await say(older, DORA, "1700000001.000000")

    assert await stage.held() == {}


@pytest.mark.parametrize(
    "older", [Unlock(), Unlock(all_mine=True), Unlock(stacks=(STACK, DB))]
)
async def test_an_unlock_that_was_overtaken_releases_nothing(
    stage: Holding, say: Spoken, older: HoldWord
) -> None:
    await say(Lock(), ANN, "1700000002.000000")

    with pytest.raises(LateWord):
        await say(older, ANN, "1700000001.000000")

    assert (await stage.held())[STACK].actor == ANN


async def test_a_freeze_that_was_overtaken_freezes_nothing(
    stage: Holding, say: Spoken
) -> None:
    await say(Unfreeze(), ADA, "1700000002.000000")

    with pytest.raises(LateWord):
        await say(Freeze(), ADA, "1700000001.000000")

    assert await stage.held() == {}


@pytest.mark.parametrize(
    "newer",
    [Unlock(), Unlock(all_mine=True), Lock(), Steal(), Lock(stacks=(DB, STACK))],
)
async def test_a_word_that_is_asked_for_again_overtakes_older_ones_too(
    stage: Holding, say: Spoken, newer: HoldWord
) -> None:
    await say.words.note(await say.wish(ANN, "1700000002.000000"), newer)

    with pytest.raises(LateWord):
        await say(Lock(), ANN, "1700000001.000000")

    assert await stage.held() == {}
