"""The messages of every conversation: posting, editing, deleting, threads."""

from collections.abc import Callable
from typing import TypeAlias

from bot.sandbox.feed import Feed
from bot.sandbox.mint import Mint
from bot.sandbox.values import Channel, MethodError, Payload

Tell: TypeAlias = Callable[[Channel, Payload], None]


class Messages:
    """Slack's message objects by channel and timestamp, oldest first.

    A stored message is never changed in place: every change is a new object.
    """

    def __init__(self, feed: Feed, mint: Mint, tell: Tell) -> None:
        self._feed = feed
        self._mint = mint
        self._tell = tell
        self._by_channel: dict[str, dict[str, Payload]] = {}

    def of(self, channel: str) -> list[Payload]:
        """Return every message, thread replies included."""
        return list(self._by_channel.get(channel, {}).values())

    def top_level(self, channel: str) -> list[Payload]:
        """Return what stands in the channel itself."""
        return [message for message in self.of(channel) if not is_hidden_reply(message)]

    def thread(self, channel: str, ts: str) -> list[Payload]:
        """Return the parent and its replies."""
        root = self.find(channel, ts).get("thread_ts", ts)
        return [
            message
            for message in self.of(channel)
            if root in (message["ts"], message.get("thread_ts"))
        ]

    def find(self, channel: str, ts: str) -> Payload:
        """Return one message, or refuse with `message_not_found`."""
        try:
            return self._by_channel[channel][ts]
        except KeyError:
            raise MethodError("message_not_found") from None

    def post(self, channel: Channel, body: Payload) -> Payload:
        """Store *body* as a new message and tell everybody."""
        parent = self._parent(channel.id, body)
        message = {"type": "message", **body, "ts": self._mint.ts()}
        if parent is not None:
            message["thread_ts"] = parent["ts"]
            message["parent_user_id"] = parent.get("user", "")
        self._store(channel.id, message, "message")
        if parent is not None:
            self._count_reply(channel.id, parent, message)
        shared = {"subtype": "file_share"} if message.get("files") else {}
        self._tell(
            channel,
            {**_public(message), **shared, "event_ts": message["ts"]},
        )
        return message

    def change(self, channel: Channel, ts: str, changes: Payload) -> Payload:
        """Edit a message; a None among *changes* removes that field."""
        before = self.find(channel.id, ts)
        after = _present({**before, **changes})
        self._store(channel.id, after, "message_changed")
        self._tell_hidden(
            channel,
            subtype="message_changed",
            message=_public(after),
            previous_message=_public(before),
        )
        return after

    def annotate(self, channel: str, ts: str, changes: Payload) -> None:
        """Change what is around a message (reactions), not the message."""
        message = {**self.find(channel, ts), **changes}
        self._store(channel, message, "reaction")

    def remove(self, channel: Channel, ts: str) -> None:
        """Delete a message; a parent with replies leaves a placeholder."""
        before = self.find(channel.id, ts)
        if before.get("reply_count"):
            self._store(channel.id, _tombstone(before), "message_changed")
        else:
            del self._by_channel[channel.id][ts]
            self._feed.publish(
                {"type": "message_deleted", "channel": channel.id, "ts": ts},
                channel=channel.id,
            )
            self._discount_reply(channel.id, before)
        self._tell_hidden(
            channel,
            subtype="message_deleted",
            deleted_ts=ts,
            previous_message=_public(before),
        )

    def _parent(self, channel: str, body: Payload) -> Payload | None:
        if not body.get("thread_ts"):
            return None
        try:
            wanted = self.find(channel, body["thread_ts"])
        except MethodError:
            raise MethodError("thread_not_found") from None
        return self.find(channel, wanted.get("thread_ts") or wanted["ts"])

    def _count_reply(self, channel: str, parent: Payload, reply: Payload) -> None:
        users = list(dict.fromkeys([*parent.get("reply_users", ()), reply["user"]]))
        counted = {
            **parent,
            "thread_ts": parent["ts"],
            "reply_count": parent.get("reply_count", 0) + 1,
            "reply_users": users,
            "reply_users_count": len(users),
            "latest_reply": reply["ts"],
        }
        self._store(channel, counted, "message_changed")

    def _discount_reply(self, channel: str, reply: Payload) -> None:
        if not is_reply(reply):
            return
        parent = self._by_channel[channel].get(reply["thread_ts"])
        if parent is None:
            return
        left = self.thread(channel, parent["ts"])[1:]
        latest = left[-1]["ts"] if left else None
        counted = {**parent, "reply_count": len(left), "latest_reply": latest}
        self._store(channel, _present(counted), "message_changed")

    def _store(self, channel: str, message: Payload, change: str) -> None:
        self._by_channel.setdefault(channel, {})[message["ts"]] = message
        self._feed.publish(
            {
                "type": change,
                "channel": channel,
                "message": message,
                "ts": message["ts"],
            },
            channel=channel,
        )

    def _tell_hidden(self, channel: Channel, **event: object) -> None:
        ts = self._mint.ts()
        base = {"type": "message", "hidden": True, "ts": ts, "event_ts": ts}
        self._tell(channel, {**base, **event})


def is_reply(message: Payload) -> bool:
    """Tell whether *message* answers another one."""
    return bool(message.get("thread_ts", message["ts"]) != message["ts"])


def is_hidden_reply(message: Payload) -> bool:
    """Tell whether *message* shows in its thread only."""
    return is_reply(message) and message.get("subtype") != "thread_broadcast"


def _present(message: Payload) -> Payload:
    return {name: value for name, value in message.items() if value is not None}


def _public(message: Payload) -> Payload:
    # Slack tells metadata in events of its own, with a scope of their own.
    return {name: value for name, value in message.items() if name != "metadata"}


def _tombstone(message: Payload) -> Payload:
    kept = ("ts", "thread_ts", "reply_count", "reply_users", "latest_reply")
    return {
        **{name: message[name] for name in kept if name in message},
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "text": "This message was deleted.",
        "hidden": True,
    }
