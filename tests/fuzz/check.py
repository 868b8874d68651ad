"""What must hold for every case."""

from collections.abc import Iterable, Iterator

from runner.masking.announced import Announced, Announcements
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, forms
from runner.masking.shapes import WellKnown
from tests.fuzz.case import Case
from tests.fuzz.expected import masked, without_announcements

#: Longer texts are not cut into single bytes, which takes long.
_SHORT = 150

_SHAPES = WellKnown()


def check(data: bytes) -> int:
    """Raise AssertionError if something is wrong; return how much was hidden."""
    case = Case.read(data)
    masks = _masks(case)
    shown = _masked(masks, [case.text])

    assert shown == masked(case.text, case.plain, case.wrapped)
    for writes in _cuts(case):
        assert _masked(masks, writes) == shown
    assert not [form for form in case.plain if form in shown and b"*" not in form]
    _check_announcements(case)
    return shown.count(b"*****")


def _cuts(case: Case) -> Iterator[Iterable[bytes]]:
    yield case.writes()
    if len(case.text) <= _SHORT:
        yield [bytes([byte]) for byte in case.text]


def _check_announcements(case: Case) -> None:
    rest = without_announcements(case.text)
    if rest == case.text:
        for writes in _cuts(case):
            assert b"".join(_shown(_taken(Announcements(), writes))) == rest
        return
    told = _told(case, [case.text])
    for writes in _cuts(case):
        assert _joined(_told(case, writes)) == _joined(told)
    if not any(isinstance(each, Announced) for each in told):
        assert b"".join(_shown(told)) == _masked(_masks(case), [rest])
    for nth, each in enumerate(told):
        if isinstance(each, Announced):
            after = b"".join(_shown(told[nth:]))
            known = forms(Secret("A", each.value))
            assert not [form for form in known if form in after and b"*" not in form]


def _masks(case: Case) -> Masks:
    return Masks(case.secrets, others=(_SHAPES,))


def _masked(masks: Masks, writes: Iterable[bytes]) -> bytes:
    stream = masks.stream()
    return b"".join(map(stream.feed, writes)) + stream.flush()


_Told = list[bytes | Announced]


def _told(case: Case, writes: Iterable[bytes]) -> _Told:
    """Return what is shown and learned when announced values are hidden as well."""
    masks = _masks(case)
    stream, announcements = masks.stream(), Announcements()
    told: _Told = []
    for each in _taken(announcements, writes):
        if isinstance(each, bytes):
            told.append(stream.feed(each))
        else:
            masks.learn([Secret("A", each.value)])
            told.append(each)
    return [*told, stream.flush()]


def _taken(
    announcements: Announcements, writes: Iterable[bytes]
) -> Iterator[bytes | Announced]:
    for write in writes:
        yield from announcements.feed(write)
    yield from announcements.flush()


def _shown(told: Iterable[bytes | Announced]) -> Iterator[bytes]:
    return (each for each in told if isinstance(each, bytes))


def _joined(told: _Told) -> _Told:
    """Return what is shown between two values as one."""
    joined: _Told = []
    for each in told:
        if isinstance(each, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += each
        elif each:
            joined.append(each)
    return joined
