import pytest

from bot.sandbox.values import Channel, MethodError, Payload
from bot.sandbox.workspace import Workspace
from tests.unit.sandbox.test_manifest import MANIFEST


def test_ids_are_readable_and_unique() -> None:
    workspace = Workspace(MANIFEST)

    ids = [workspace.add_person("ann") for _ in range(2)]
    channel = workspace.add_channel("net-prod")

    assert ids[0] == "U0ANN"
    assert len(set(ids)) == 2
    assert channel == "C0NETPROD"


def test_a_reply_to_a_reply_lands_in_the_same_thread() -> None:
    workspace = Workspace(MANIFEST)
    channel = workspace.channel(workspace.add_channel("infra"))
    root = workspace.post_as_app(channel, {"text": "run"})["ts"]
    reply = workspace.post_as_app(channel, {"text": "a", "thread_ts": root})["ts"]

    nested = workspace.post_as_app(channel, {"text": "b", "thread_ts": reply})

    assert nested["thread_ts"] == root
    assert workspace.messages.find(channel.id, root)["reply_count"] == 2


def test_deleting_the_last_reply_takes_it_off_the_parent() -> None:
    workspace = Workspace(MANIFEST)
    channel = workspace.channel(workspace.add_channel("infra"))
    root = workspace.post_as_app(channel, {"text": "run"})["ts"]
    reply = workspace.post_as_app(channel, {"text": "a", "thread_ts": root})["ts"]

    workspace.messages.remove(channel, reply)

    parent = workspace.messages.find(channel.id, root)
    assert (parent["reply_count"], "latest_reply" in parent) == (0, False)


def test_stored_messages_are_never_changed_in_place() -> None:
    workspace = Workspace(MANIFEST)
    channel = workspace.channel(workspace.add_channel("infra"))
    before = workspace.post_as_app(channel, {"text": "queued"})

    workspace.messages.change(channel, before["ts"], {"text": "running"})

    assert before["text"] == "queued"


def test_everything_said_is_offered_to_listeners_with_its_channel() -> None:
    workspace = Workspace(MANIFEST)
    heard: list[Payload] = []

    def listen(_channel: Channel | None, event: Payload) -> None:
        heard.append(event)

    workspace.listeners.append(listen)
    channel = workspace.channel(workspace.add_channel("infra", private=True))
    workspace.post_as_app(
        channel, {"text": "x", "metadata": {"event_type": "a", "event_payload": {}}}
    )

    [event] = heard
    assert (event["channel"], event["channel_type"]) == (channel.id, "group")
    assert "metadata" not in event


def test_a_private_channel_is_unknown_to_others() -> None:
    workspace = Workspace(MANIFEST)
    ann, ben = workspace.add_person("ann"), workspace.add_person("ben")
    secret = workspace.add_channel("secret", members=[ann], private=True)

    assert workspace.seen_by(ann, secret).id == secret
    with pytest.raises(MethodError, match="channel_not_found"):
        workspace.seen_by(ben, secret)


def test_people_and_groups_can_change() -> None:
    workspace = Workspace(MANIFEST)
    ann = workspace.add_person("ann")
    group = workspace.add_group("platform")

    workspace.change_person(ann, deleted=True)
    workspace.set_group_members(group, [ann])

    assert workspace.person(ann).deleted
    assert workspace.groups[group].members == (ann,)


def test_the_feed_tells_what_it_still_remembers() -> None:
    feed = Workspace(MANIFEST).feed
    for number in range(2_500):
        feed.publish({"type": str(number)})

    assert feed.covers(2_400)
    assert not feed.covers(100)
    assert not feed.covers(9_999)
    assert [change.number for change in feed.after(2_498)] == [2_499, 2_500]
