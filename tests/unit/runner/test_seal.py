import pytest

from runner.errors import SealBroken
from runner.masking.secrets import Secret
from runner.seal import Seal, about

KEY = bytes(range(32))
SECRETS = (Secret("TOKEN", b"hunter2hunter2"), Secret("key.pem", b"\x00\xff\nline"))
ABOUT = about("7", "prod")


def sealed() -> bytes:
    return Seal(KEY).closed(SECRETS, ABOUT)


def test_what_was_sealed_is_opened_as_it_was() -> None:
    assert Seal(KEY).opened(sealed(), ABOUT) == SECRETS


def test_a_seal_may_hold_nothing() -> None:
    seal = Seal(KEY)

    assert seal.opened(seal.closed((), ABOUT), ABOUT) == ()


def test_nothing_of_a_secret_can_be_read_without_the_key() -> None:
    assert b"hunter2" not in sealed()
    assert b"TOKEN" not in sealed()
    assert sealed() != sealed()


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        Seal(bytes(32)).opened(sealed(), ABOUT)


@pytest.mark.parametrize("other", [about("8", "prod"), about("7", "test"), ""])
def test_the_seal_of_another_run_is_not_taken(other: str) -> None:
    with pytest.raises(SealBroken):
        Seal(KEY).opened(sealed(), other)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27, 28, 60])
def test_what_was_cut_is_not_opened(length: int) -> None:
    with pytest.raises(SealBroken):
        Seal(KEY).opened(sealed()[:length], ABOUT)


def test_what_was_changed_anywhere_is_not_opened() -> None:
    whole = sealed()

    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(SealBroken):
            Seal(KEY).opened(changed, ABOUT)
