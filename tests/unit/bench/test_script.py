"""A chaos run can be had again: its seed says all that happens."""

from tests.bench.chaos.acts import Kill, RestartEngine, Task
from tests.bench.chaos.script import script, tasks_of


def test_the_same_seed_gives_the_same_script() -> None:
    assert script(7, 120) == script(7, 120)
    assert script(7, 120) != script(8, 120)


def test_acts_come_in_their_order() -> None:
    at = [cue.at for cue in script(7, 120)]

    assert at == sorted(at)


def test_every_command_has_a_token_of_its_own() -> None:
    cues = script(7, 600)

    tasks = [cue for cue in cues if isinstance(cue.act, Task)]
    assert len(tasks_of(cues)) == len(tasks) > 100


def test_replicas_and_engine_are_ended_in_the_middle_of_it() -> None:
    acts = [cue.act for cue in script(7, 120)]

    assert {act.how for act in acts if isinstance(act, Kill)} > set()
    assert any(isinstance(act, RestartEngine) for act in acts)
