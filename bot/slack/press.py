"""What Slack delivers of a button that was pressed."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import ChannelId, TeamId, UserId
from bot.ports import DeliveryKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button that a person pressed, where there is a message with it."""

    body: dict[str, Any]
    client: AsyncWebClient

    @property
    def key(self) -> DeliveryKey:
        """Return what is the same however often it is delivered."""
        return DeliveryKey(f"action:{self.body['trigger_id']}")

    @property
    def action(self) -> str:
        """Return which button it is."""
        return str(self._button["action_id"])

    @property
    def value(self) -> str:
        """Return what the button says it is about, "" for nothing."""
        return str(self._button.get("value") or "")

    @property
    def ts(self) -> str:
        """Return Slack's timestamp of the press."""
        return str(self._button.get("action_ts") or "")

    @property
    def user(self) -> UserId:
        """Return who pressed."""
        return UserId(self.body["user"]["id"])

    @property
    def team(self) -> TeamId:
        """Return of which workspace they are."""
        return team_of(self.body)

    @property
    def channel(self) -> ChannelId:
        """Return where the message is."""
        return ChannelId(self.body["channel"]["id"])

    @property
    def root(self) -> str:
        """Return the `ts` of the first message of the thread that was pressed in."""
        return self.inside or str(self.body["container"]["message_ts"])

    @property
    def inside(self) -> str | None:
        """Return the thread of a press on a reply; None for one in the channel itself.

        What is only shown to one person has no `message`, but a `container`.
        """
        message: dict[str, Any] = self.body.get("message") or {}
        place: dict[str, Any] = self.body["container"]
        found = message.get("thread_ts") or place.get("thread_ts")
        is_reply = found not in (None, place.get("message_ts"))
        return str(found) if is_reply else None

    @property
    def _button(self) -> dict[str, Any]:
        button: dict[str, Any] = self.body["actions"][0]
        return button


def team_of(body: dict[str, Any]) -> TeamId:
    """Return the workspace of whoever pressed or submitted."""
    return TeamId(body["user"].get("team_id") or body["team"]["id"])
