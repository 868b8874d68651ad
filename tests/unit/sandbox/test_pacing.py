from bot.sandbox.pacing import POSTING, Pace, Pacing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_the_next_call_waits_a_second() -> None:
    pacing = Pacing(clock=Clock())

    waits = [pacing.wait_for("a", POSTING) for _ in range(6)]

    assert waits == [0, 0, 0, 0, 0, 1]


def test_calls_flow_back_with_time() -> None:
    clock = Clock()
    pacing = Pacing(clock=clock)
    pace = Pace.per_minute(20)
    for _ in range(20):
        pacing.wait_for("a", pace)

    first = pacing.wait_for("a", pace)
    clock.now += first

    assert (first, pacing.wait_for("a", pace)) == (3, 0)


def test_each_key_has_its_own_bucket() -> None:
    pacing = Pacing(clock=Clock())
    for _ in range(5):
        pacing.wait_for("a", POSTING)

    assert pacing.wait_for("b", POSTING) == 0


def test_pacing_can_be_switched_off() -> None:
    pacing = Pacing(on=False, clock=Clock())

    assert not any(pacing.wait_for("a", POSTING) for _ in range(100))
