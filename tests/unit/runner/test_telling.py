import pytest

from runner.events import Output
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.telling import PIECE, WITHHELD, Stream, Teller

SECRET = Secret("TOKEN", b"hunter2hunter2")


class Told:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []

        self.positions: list[int] = []

    async def __call__(self, output: Output) -> None:
        self.positions.append(output.position)
        self.pieces.append(output.data)


class Broken:
    """A masker that fails at the second write."""

    def __init__(self) -> None:
        self.fed = 0

    @property
    def position(self) -> int:
        return self.fed

    def feed(self, data: bytes) -> bytes:
        self.fed += 1
        if self.fed > 1:
            raise ZeroDivisionError(data)
        return data

    def flush(self) -> bytes:
        raise ZeroDivisionError


def masked(told: Told, stream: Stream | None = None, known: int = 0) -> Teller:
    return Teller(stream or Masks([SECRET]).stream(shown=known), told)


async def test_output_is_told_in_pieces_of_bounded_size() -> None:
    told = Told()

    await masked(told).take(b"x" * (2 * PIECE + 5))

    assert [len(piece) for piece in told.pieces] == [PIECE, PIECE, 5]


async def test_half_a_secret_waits_for_its_other_half() -> None:
    told = Told()
    teller = masked(told)

    await teller.take(b"token hunter2")
    await teller.take(b"hunter2 end")

    assert told.pieces[0] == b"token "
    assert b"".join(told.pieces) == b"token ***** end"


async def test_what_was_held_back_comes_at_the_end() -> None:
    told = Told()
    teller = masked(told)

    await teller.take(b"hunter2")
    await teller.end()

    assert told.pieces == [b"hunter2"]


@pytest.mark.parametrize("cut", range(25))
async def test_what_was_told_before_is_not_told_again(cut: int) -> None:
    whole = b"a hunter2hunter2 b and c"
    first, second = Told(), Told()
    await masked(first).take(whole[:cut])
    teller = masked(second, known=max(first.positions, default=0))

    await teller.take(whole)
    await teller.end()

    assert b"".join(first.pieces + second.pieces) == b"a ***** b and c"


async def test_a_masker_that_fails_shows_nothing_from_then_on() -> None:
    told = Told()
    teller = masked(told, Broken())

    for data in (b"shown ", b"hunter2hunter2", b"also hidden"):
        await teller.take(data)
    await teller.end()

    assert told.pieces == [b"shown ", WITHHELD]
