"""Output, announcements and what is learned on the way, in their order."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from runner.errors import ContainerLost, EngineUnavailable
from runner.events import Event, Output, Remark, SecretsLearned
from runner.masking.announced import Announced, Announcements
from runner.masking.masker import Masks
from runner.masking.patterns import Range
from runner.masking.secrets import Secret
from runner.scripted import ScriptedContainer, ScriptedEngine
from runner.seal import Carried
from runner.telling import MOST_BYTES, MOST_VALUES, PIECE, WITHHELD, Teller
from tests.support.runs import SEAL, Record, a_job

SECRET = Secret("TOKEN", b"hunter2hunter2")
ABOUT = "test/run-1"
TOO_SHORT = (
    "A value announced by ::add-mask:: is too short or too ordinary to be masked."
)


class Carrier(ScriptedContainer):
    """A container that tells a record, in its order, what it was given to carry."""

    def __init__(self, journal: list[object]) -> None:
        super().__init__(ScriptedEngine(), a_job())
        self.journal = journal
        self.failing: Exception | None = None
        self.meanwhile: Callable[[], object] = list

    async def keep(self, sealed: bytes) -> None:
        if self.failing is not None:
            raise self.failing
        self.meanwhile()
        await super().keep(sealed)
        self.journal.append(values(SEAL.opened(sealed, ABOUT)))


class Journal(Record):
    """A record in which the events are simple, and stand beside what was carried."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[object] = []

    async def tell(self, event: Event) -> None:
        await super().tell(event)
        if isinstance(event, Output):
            self.journal.append(event.data)
        elif isinstance(event, SecretsLearned):
            self.journal.append(("learned", values(event.secrets)))
        elif isinstance(event, Remark):
            self.journal.append(event.text)


def values(secrets: Iterable[Secret]) -> set[bytes]:
    return {secret.value for secret in secrets}


class Bench:
    """A teller between a container and a record."""

    def __init__(self, masks: Masks | None = None, *, position: int = 0) -> None:
        self.record = Journal()
        self.masks = masks or Masks([SECRET])
        self.container = Carrier(self.record.journal)
        self.carried = Carried(self.container, self.masks, SEAL, ABOUT)
        self.position = position

    async def open(self) -> Teller:
        await self.carried.renew()
        self.record.journal.clear()
        return Teller(
            self.carried,
            self.record.tell,
            position=self.position,
            again=timedelta(0),
        )

    async def told(self, *pieces: bytes) -> bytes:
        teller = await self.open()
        for piece in pieces:
            await teller.take(piece)
        await teller.end()
        return self.record.output


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_output_is_told_in_pieces_of_bounded_size(bench: Bench) -> None:
    whole = b"x" * (2 * PIECE + 5)

    assert await bench.told(whole) == whole

    assert max(map(len, bench.record.pieces)) <= PIECE + 1024


async def test_half_a_secret_waits_for_its_other_half(bench: Bench) -> None:
    await bench.told(b"token hunter2", b"hunter2 end")

    assert bench.record.pieces[0] == b"token "
    assert bench.record.output == b"token ***** end"


async def test_what_was_held_back_comes_at_the_end(bench: Bench) -> None:
    assert await bench.told(b"hunter2") == b"hunter2"


STREAM = (
    b"a hunter2hunter2 b\n::add-mask::topsecret1\nc topsecret1 \xff::add-mask::x\n"
    b"::add-mask::topsecret2\n::add-mask::topsecret3\ntopsecret2topsecret3\nlast line"
)
SHOWN = b"a ***** b\nc ***** \xff::add-mask::x\n**********\nlast line"


async def test_the_position_counts_what_was_printed_without_announcements(
    bench: Bench,
) -> None:
    await bench.told(STREAM)

    lines = (b"a hunter2hunter2 b\n", b"c topsecret1 \xff::add-mask::x\n")
    last = b"topsecret2topsecret3\nlast line"
    assert bench.record.position == sum(map(len, (*lines, last)))


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
async def test_what_was_told_before_is_neither_lost_nor_told_again(cut: int) -> None:
    first = Bench()
    teller = await first.open()
    await teller.take(STREAM[:cut])
    second = Bench(position=first.record.position)

    await second.told(STREAM)

    assert first.record.output + second.record.output == SHOWN


async def test_any_cut_of_the_stream_is_told_alike() -> None:
    for size in (1, 2, 3, 7, 50):
        pieces = (STREAM[at : at + size] for at in range(0, len(STREAM), size))

        assert await Bench().told(*pieces) == SHOWN


async def test_an_announced_value_is_carried_and_told_before_it_is_hidden(
    bench: Bench,
) -> None:
    await bench.told(b"topsecret1 before\n::add-mask::topsecret1\ntopsecret1 after")

    assert bench.record.journal == [
        b"topsecret1 before\n",
        {SECRET.value, b"topsecret1"},
        ("learned", {b"topsecret1"}),
        b"***** after",
    ]


async def test_half_a_secret_waits_while_another_is_learned(bench: Bench) -> None:
    teller = await bench.open()
    await teller.take(b"token hunter2hu")
    await teller.learn([Secret("state", b"topsecret1")])
    await teller.take(b"nter2 topsecret1")
    await teller.end()

    assert bench.record.journal == [
        b"token ",
        {SECRET.value, b"topsecret1"},
        ("learned", {b"topsecret1"}),
        b"***** *****",
    ]


async def test_values_that_are_announced_together_are_carried_together(
    bench: Bench,
) -> None:
    await bench.told(b"::add-mask::topsecret1\n::add-mask::topsecret2\n")

    both = {b"topsecret1", b"topsecret2"}
    assert bench.record.journal == [{SECRET.value, *both}, ("learned", both)]


async def test_a_value_that_was_hidden_all_along_is_not_learned(bench: Bench) -> None:
    await bench.told(b"::add-mask::hunter2hunter2\n::add-mask::hunter2hunter2\n")

    assert bench.record.journal == []


async def test_a_value_that_cannot_be_masked_is_said_once_and_not_named(
    bench: Bench,
) -> None:
    await bench.told(b"::add-mask::1234\n::add-mask::production\nin production 1234")

    assert bench.record.journal == [TOO_SHORT, b"in production 1234"]


async def test_what_was_said_of_a_value_is_not_said_again_by_the_next_process() -> None:
    stream = b"one\n::add-mask::1234\ntwo\n"
    first = Bench()
    await first.told(stream)
    second = Bench(position=first.record.position)

    await second.told(stream + b"::add-mask::5678\n")

    assert first.record.remarks == [TOO_SHORT]
    assert second.record.remarks == []


@pytest.mark.parametrize(
    ("first", "most"),
    [
        (b"".join(b"::add-mask::value-%05d\n" % n for n in range(MOST_VALUES)), 1000),
        (b"::add-mask::" + b"y" * 60_000 + b"\n", 1),
    ],
)
async def test_more_than_can_be_masked_withholds_what_follows(
    first: bytes, most: int
) -> None:
    bench = Bench(Masks())
    too_many = b"".join(
        b"::add-mask::%d%s\n" % (n, b"z" * 60_000) for n in range(MOST_BYTES // 60_000)
    )

    await bench.told(first, b"shown\n", too_many + b"::add-mask::oneMore\n", b"hidden")

    assert bench.record.output == b"shown\n" + WITHHELD
    (remark,) = bench.record.remarks
    assert "more was announced by ::add-mask::" in remark


async def test_announcing_one_value_for_ever_is_not_too_much(bench: Bench) -> None:
    announced = b"::add-mask::topsecret1\n" * (2 * MOST_VALUES)

    assert await bench.told(announced, b"topsecret1") == b"*****"


async def test_what_others_learn_is_carried_and_told_before_the_next_output(
    bench: Bench,
) -> None:
    teller = await bench.open()
    await teller.take(b"topsecret1 hunter2")

    bench.masks.learn([Secret("redacted", b"topsecret1")])
    await teller.take(b" topsecret1")

    known = {SECRET.value, b"topsecret1"}
    learned = ("learned", {b"topsecret1"})
    told = bench.record.journal
    assert told == [b"topsecret1 ", known, learned, b"hunter2 *****"]


async def test_what_others_learn_at_the_very_end_is_told_too(bench: Bench) -> None:
    teller = await bench.open()
    await teller.take(b"topsecret1")

    bench.masks.learn([Secret("redacted", b"topsecret1")])
    await teller.end()

    assert bench.record.journal[-1] == ("learned", {b"topsecret1"})


async def test_what_is_learned_while_a_seal_is_kept_is_carried_too() -> None:
    bench = Bench()
    teller = await bench.open()
    redacted = Secret("redacted", b"topsecret2")

    bench.container.meanwhile = lambda: bench.masks.learn([redacted])
    await teller.take(b"::add-mask::topsecret1\ntopsecret1 topsecret2")

    assert bench.record.output == b"***** *****"
    assert bench.record.learned[-1].value == b"topsecret2"
    sealed = SEAL.opened(await bench.container.kept(), ABOUT)
    assert values(sealed) == {SECRET.value, b"topsecret1", b"topsecret2"}


async def test_what_is_learned_hides_what_was_held_back(bench: Bench) -> None:
    teller = await bench.open()

    await teller.learn([Secret("state", b"topsecret1")])
    await teller.take(b"it is topsecret1")
    await teller.end()

    assert bench.record.output == b"it is *****"
    assert values(bench.record.learned) == {b"topsecret1"}


class BrokenView:
    """A view that fails once it sees what a test says."""

    def matches(self, data: bytes) -> list[Range]:
        if b"broken" in data:
            raise ZeroDivisionError(data)
        return []

    def live(self, data: bytes) -> int:
        return len(data)


async def test_a_masker_that_fails_shows_nothing_from_then_on() -> None:
    bench = Bench(Masks([SECRET], others=[BrokenView()]))

    await bench.told(b"shown ", b"broken hunter2hunter2", b"also hidden")

    (remark,) = bench.record.remarks
    assert bench.record.output == b"shown " + WITHHELD
    assert "withheld" in remark
    assert bench.record.events[-2] == Output(data=WITHHELD, position=len(b"shown "))


async def test_a_masker_that_failed_still_lets_values_be_learned() -> None:
    bench = Bench(Masks([SECRET], others=[BrokenView()]))

    await bench.told(b"topsecret1 ", b"broken\n", b"::add-mask::topsecret1\n")

    assert values(bench.record.learned) == {b"topsecret1"}
    assert bench.record.output == b"topsecret1 " + WITHHELD


class BrokenAnnouncements(Announcements):
    def feed(self, data: bytes) -> Iterator[bytes | Announced]:
        yield from super().feed(data)
        raise ZeroDivisionError(data)


async def test_announcements_that_cannot_be_read_withhold_the_output(
    bench: Bench,
) -> None:
    teller = await bench.open()
    teller._announcements = BrokenAnnouncements()

    await teller.take(b"one\n")
    await teller.take(b"two\n")

    assert bench.record.output == WITHHELD
    assert len(bench.record.remarks) == 1


async def test_a_container_that_cannot_carry_a_value_withholds_the_output(
    bench: Bench,
) -> None:
    teller = await bench.open()
    bench.container.failing = EngineUnavailable("no space left on device")

    await teller.take(b"one\n::add-mask::topsecret1\ntwo\n")
    await teller.end()

    (remark,) = bench.record.remarks
    assert bench.record.output == b"one\n" + WITHHELD
    assert "restarted bot" in remark
    assert values(bench.record.learned) == {b"topsecret1"}


async def test_what_a_container_could_not_carry_is_put_there_later(
    bench: Bench,
) -> None:
    teller = await bench.open()
    bench.container.failing = EngineUnavailable("flapping")
    await teller.take(b"::add-mask::topsecret1\ntwo\n")

    bench.container.failing = None
    await teller.take(b"three\n")

    sealed = SEAL.opened(await bench.container.kept(), ABOUT)
    assert values(sealed) == {SECRET.value, b"topsecret1"}
    assert bench.record.output == WITHHELD


async def test_a_container_that_is_gone_is_a_loss_and_no_failure_to_mask(
    bench: Bench,
) -> None:
    teller = await bench.open()
    bench.container.failing = ContainerLost("removed")

    with pytest.raises(ContainerLost):
        await teller.take(b"::add-mask::topsecret1\ntwo\n")

    assert bench.record.events == []


async def test_a_line_that_ends_without_a_newline_is_an_announcement(
    bench: Bench,
) -> None:
    teller = await bench.open()

    await teller.take(b"::add-mask::topsecret1")
    await teller.end_line()
    await teller.take(b"topsecret1\n")

    assert bench.record.output == b"*****\n"
