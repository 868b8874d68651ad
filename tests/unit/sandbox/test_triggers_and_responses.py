import pytest

from bot.sandbox.responses import Origin, Responses
from bot.sandbox.triggers import Triggers
from bot.sandbox.values import MethodError
from bot.sandbox.workspace import Workspace
from tests.unit.sandbox.test_manifest import MANIFEST


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_trigger_is_good_for_one_use_in_three_seconds() -> None:
    clock = Clock()
    triggers = Triggers(clock)
    first, second = triggers.new("U1"), triggers.new("U1")
    clock.now += 3

    assert triggers.redeem(first) == "U1"
    clock.now += 0.1
    with pytest.raises(MethodError, match="exchanged_trigger_id"):
        triggers.redeem(first)
    with pytest.raises(MethodError, match="expired_trigger_id"):
        triggers.redeem(second)
    with pytest.raises(MethodError, match="invalid_trigger_id"):
        triggers.redeem("1.2.3")


def test_a_response_url_ends_after_half_an_hour() -> None:
    clock = Clock()
    workspace = Workspace(MANIFEST)
    ann = workspace.add_person("ann")
    infra = workspace.add_channel("infra", members=[ann])
    responses = Responses(workspace, clock)
    url = responses.url_for(Origin(user=ann, channel=infra))
    token = url.rpartition("/")[2]

    clock.now += 30 * 60
    responses.use(token, {"text": "just in time"})
    clock.now += 1

    with pytest.raises(MethodError, match="expired_url"):
        responses.use(token, {"text": "too late"})
    assert [m["text"] for m in workspace.ephemerals] == ["just in time"]
