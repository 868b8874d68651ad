"""What Slack's errors mean for a letter: wait how long, or give up."""

from typing import Any, Final

from slack_sdk.errors import SlackApiError

_RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
#: the message, its channel or whom it is for is gone for good; the record keeps what
#: it said. Of a direct message, docs.slack.dev, "chat.postMessage", errors.
_HOPELESS: Final = frozenset(
    {
        "cannot_dm_bot",
        "cant_delete_message",
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_archived",
        "message_not_found",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "thread_not_found",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
    }
)
_GONE: Final = frozenset({"file_deleted", "file_not_found", "message_not_found"})
#: the workspace lets nobody edit any more, or not the message as it is
_FIXED: Final = frozenset({"cant_update_message", "edit_window_closed"})
#: Slack's own trouble; a proxy's has no code at all
_PASSING: Final = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
)
_LONGEST_WAIT: Final = 60.0
#: seconds; the form of rate limiting with HTTP 200 names none
_NOT_SAID: Final = 5.0


def is_hopeless(error: Exception) -> bool:
    """Tell whether sending again can never help."""
    return _code(error) in _HOPELESS


def is_passing(error: Exception) -> bool:
    """Tell whether the same may well be taken a little later."""
    return _code(error) in _RATE_LIMITED | _PASSING | {""}


def is_gone(error: Exception) -> bool:
    """Tell whether what was to be deleted is not there any more."""
    return _code(error) in _GONE


def is_fixed(error: Exception) -> bool:
    """Tell whether a message can no longer be edited."""
    return _code(error) in _FIXED


def is_unreadable(error: Exception) -> bool:
    """Tell whether a channel or thread can never be read."""
    return is_hopeless(error) or _code(error) == "missing_scope"


def seconds_to_wait(error: Exception, attempts: int) -> float:
    """Return when to try again: when Slack says, else later each time."""
    if isinstance(error, SlackApiError) and _code(error) in _RATE_LIMITED:
        headers: Any = error.response.headers
        said = headers.get("Retry-After") or headers.get("retry-after")
        return float(said or _NOT_SAID)
    return min(2.0 ** min(attempts, 6), _LONGEST_WAIT)


def _code(error: Exception) -> str:
    if not isinstance(error, SlackApiError):
        return ""
    return str(error.response.get("error") or "")
