"""What Slack's errors mean for a letter: wait how long, go where, or give up."""

from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError

#: what a call to Slack raises that was refused, or not answered
CALL_FAILED: Final = (SlackClientError, ClientError, TimeoutError)

_RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
#: nothing can be posted there any more. Of a direct message too, docs.slack.dev,
#: "chat.postMessage", errors.
_CLOSED: Final = frozenset(
    {
        "cannot_dm_bot",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "not_in_channel",
        "posting_to_channel_denied",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
    }
)
#: and what begins like this: of read-only channels, of locked threads, and so on
_RESTRICTED: Final = "restricted_action"
_THREAD_GONE: Final = "thread_not_found"
_MESSAGE_GONE: Final = frozenset({"message_not_found", "cant_delete_message"})
_GONE: Final = frozenset({"file_deleted", "file_not_found", "message_not_found"})
#: the workspace lets nobody edit any more, or not the message as it is
_FIXED: Final = frozenset({"cant_update_message", "edit_window_closed"})
_TOO_MUCH: Final = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long"})
#: Slack's own trouble; a proxy's has no code at all
_PASSING: Final = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
)
#: nothing is taken from this app until somebody sees to its token
_LOCKED_OUT: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
#: the workspace as a whole, or this one channel alone
_DENIED: Final = frozenset({"access_denied", "no_permission"})
_LONGEST_WAIT: Final = 30.0
#: seconds; the form of rate limiting with HTTP 200 names none
_NOT_SAID: Final = 5.0


class Trouble(StrEnum):
    """Why a letter was not delivered, as far as it matters for what to do next."""

    LIMITED = "limited"  #: its method was used too often, in the whole workspace
    AWAY = "away"  #: the workspace takes nothing: not from anybody, or not from us
    CLOSED = "closed"  #: its channel or person takes nothing
    THREAD_GONE = "thread_gone"  #: there is no thread to reply in any more
    MESSAGE_GONE = "message_gone"  #: what was to be changed is not there, or fixed
    ODD = "odd"  #: nothing that is known


def trouble(error: Exception) -> Trouble:
    """Return what kind of trouble *error* is."""
    code = code_of(error)
    if code in _RATE_LIMITED:
        return Trouble.LIMITED
    if code in _PASSING | _LOCKED_OUT | {""}:
        return Trouble.AWAY
    if is_closed(error):
        return Trouble.CLOSED
    if code == _THREAD_GONE:
        return Trouble.THREAD_GONE
    return Trouble.MESSAGE_GONE if code in _MESSAGE_GONE | _FIXED else Trouble.ODD


def is_closed(error: Exception) -> bool:
    """Tell whether nothing can be posted there any more."""
    code = code_of(error)
    return code in _CLOSED or code.startswith(_RESTRICTED)


def is_denied(error: Exception) -> bool:
    """Tell whether only others can show if nothing is taken, or nothing there."""
    return code_of(error) in _DENIED


def is_hopeless(error: Exception) -> bool:
    """Tell whether the same, in the same place, can never help."""
    return trouble(error) in {
        Trouble.CLOSED,
        Trouble.THREAD_GONE,
        Trouble.MESSAGE_GONE,
    }


def is_passing(error: Exception) -> bool:
    """Tell whether the same may well be taken a little later."""
    return code_of(error) in _RATE_LIMITED | _PASSING | {""}


def is_gone(error: Exception) -> bool:
    """Tell whether what was to be deleted or changed is not there any more."""
    return code_of(error) in _GONE


def is_fixed(error: Exception) -> bool:
    """Tell whether a message can no longer be edited."""
    return code_of(error) in _FIXED


def is_too_much(error: Exception) -> bool:
    """Tell whether less of the same may be taken; the bare text is better than none."""
    return code_of(error) in _TOO_MUCH


def is_unreadable(error: Exception) -> bool:
    """Tell whether a channel or thread can never be read."""
    return is_hopeless(error) or code_of(error) == "missing_scope"


def seconds_to_wait(error: Exception, attempts: int) -> float:
    """Return when to try again: when Slack says, else later each time."""
    if isinstance(error, SlackApiError) and code_of(error) in _RATE_LIMITED:
        headers: Any = error.response.headers
        said = headers.get("Retry-After") or headers.get("retry-after")
        return float(said or _NOT_SAID)
    return min(2.0 ** min(attempts, 6), _LONGEST_WAIT)


def method_of(error: Exception) -> str:
    """Return the method that Slack refused, such as `chat.postMessage`."""
    if not isinstance(error, SlackApiError):
        return ""
    address = getattr(error.response, "api_url", "")
    return urlsplit(str(address)).path.rpartition("/")[2]


def code_of(error: Exception) -> str:
    """Return Slack's own word for *error*; empty where it is not Slack's."""
    if not isinstance(error, SlackApiError):
        return ""
    return str(error.response.get("error") or "")
