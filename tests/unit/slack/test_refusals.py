"""What Slack's errors mean for a letter."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.refusals import (
    Trouble,
    code_of,
    is_fixed,
    is_gone,
    is_hopeless,
    is_passing,
    is_unreadable,
    method_of,
    seconds_to_wait,
    trouble,
)


def refused(code: str = "", **headers: str) -> SlackApiError:
    answer = AsyncSlackResponse(
        client=AsyncWebClient(),
        http_verb="POST",
        api_url="http://localhost/api/chat.postMessage",
        req_args={},
        data={"ok": False, "error": code} if code else {},
        headers=headers,
        status_code=200 if code else 502,
    )
    return SlackApiError("refused", answer)


@pytest.mark.parametrize(
    "code",
    [
        *("is_archived", "channel_not_found", "not_in_channel", "message_not_found"),
        *("cannot_dm_bot", "user_not_found", "user_disabled", "messages_tab_disabled"),
    ],
)
def test_what_is_gone_for_good_is_given_up(code: str) -> None:
    assert is_hopeless(refused(code))
    assert is_unreadable(refused(code))
    assert not is_passing(refused(code))


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        refused("ratelimited"),
        refused("rate_limited"),
        refused("internal_error"),
        refused("service_unavailable"),
        aiohttp.ServerDisconnectedError(),
        TimeoutError(),
    ],
    ids=str,
)
def test_what_passes_is_tried_again(error: Exception) -> None:
    assert is_passing(error)
    assert not is_hopeless(error)
    assert not is_unreadable(error)


def test_without_the_scope_nothing_can_be_read_but_a_letter_waits() -> None:
    assert is_unreadable(refused("missing_scope"))
    assert not is_hopeless(refused("missing_scope"))


@pytest.mark.parametrize("code", ["ratelimited", "rate_limited"])
def test_slack_says_how_long_to_wait(code: str) -> None:
    assert seconds_to_wait(refused(code, **{"Retry-After": "7"}), 3) == 7.0
    assert seconds_to_wait(refused(code, **{"retry-after": "7"}), 3) == 7.0
    assert seconds_to_wait(refused(code), 0) == 5.0


def test_other_trouble_is_waited_for_longer_each_time() -> None:
    waits = [seconds_to_wait(refused(), attempts) for attempts in (0, 1, 2, 5, 6, 500)]

    assert waits == [1.0, 2.0, 4.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize("code", ["file_not_found", "file_deleted"])
def test_what_is_not_there_need_not_be_deleted(code: str) -> None:
    assert is_gone(refused(code))
    assert not is_gone(refused("cant_delete_file"))
    assert not is_gone(TimeoutError())


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_a_message_may_be_fixed_for_good(code: str) -> None:
    assert is_fixed(refused(code))
    assert not is_fixed(refused("is_archived"))
    assert not is_fixed(refused("ratelimited"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ratelimited", Trouble.LIMITED),
        ("rate_limited", Trouble.LIMITED),
        ("", Trouble.AWAY),
        ("internal_error", Trouble.AWAY),
        ("token_revoked", Trouble.AWAY),
        ("is_archived", Trouble.CLOSED),
        ("restricted_action_read_only_channel", Trouble.CLOSED),
        ("thread_not_found", Trouble.THREAD_GONE),
        ("message_not_found", Trouble.MESSAGE_GONE),
        ("edit_window_closed", Trouble.MESSAGE_GONE),
        ("msg_too_long", Trouble.ODD),
        ("something_new", Trouble.ODD),
    ],
)
def test_an_error_is_of_one_kind(code: str, kind: Trouble) -> None:
    assert trouble(refused(code)) is kind
    assert code_of(refused(code)) == code


def test_a_refusal_names_its_method() -> None:
    assert method_of(refused("ratelimited")) == "chat.postMessage"
    assert method_of(TimeoutError()) == ""
    assert method_of(SlackApiError("no answer of the client's", {})) == ""
