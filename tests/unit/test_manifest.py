"""The shipped manifest asks for what the listeners need, and for nothing else."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from jsonschema import Draft7Validator
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

import bot.slack
from bot.control.form import Form
from bot.control.home import Home
from bot.control.notices import Notices
from bot.control.reply import Reply
from bot.control.submit import Submit
from bot.sandbox.methods import METHODS
from bot.settings import Settings
from bot.slack.connection import SCOPES
from bot.slack.hearing import Doors, Hearing
from bot.slack.listeners import Commands, register
from tests.support.bot import MANIFEST

#: Slack's own, of 2026: github.com/slackapi/manifest-schema (MIT)
SCHEMA = Path(__file__).parents[1] / "support/manifest.schema.2.0.0.json"
#: docs.slack.dev, "Events", the scope that each asks for
EVENT_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_mention": "app_mentions:read",
    "app_home_opened": "",
}


class Roll(AsyncApp):
    """An app that writes down what is registered with it."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {
            kind: [] for kind in ("command", "event", "action", "view")
        }
        super().__init__(
            client=AsyncWebClient(token="xoxb-1"), request_verification_enabled=False
        )

    def command(self, command: Any, *rest: Any, **more: Any) -> Callable[..., Any]:
        self.names["command"].append(command)
        return super().command(command, *rest, **more)

    def event(self, event: Any, *rest: Any, **more: Any) -> Callable[..., Any]:
        self.names["event"].append(event)
        return super().event(event, *rest, **more)

    def action(self, constraints: Any, *rest: Any, **more: Any) -> Callable[..., Any]:
        self.names["action"].append(constraints)
        return super().action(constraints, *rest, **more)

    def view(self, constraints: Any, *rest: Any, **more: Any) -> Callable[..., Any]:
        self.names["view"].append(constraints)
        return super().view(constraints, *rest, **more)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return document


@pytest.fixture
def roll() -> Roll:
    app = Roll()
    task, deploy = default_commands()
    register(
        app,
        Commands(task=task, deploy=deploy),
        Hearing(
            submit=cast("Submit", SimpleNamespace(deploy=None)),
            reply=cast("Reply", None),
            notices=cast("Notices", None),
            form=cast("Form", None),
            home=cast("Home", None),
            doors=Doors(),
            look=lambda: None,
            let_pass=lambda _: asyncio.sleep(0),
        ),
    )
    return app


def default_commands() -> list[str]:
    settings = Settings.read({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"})
    return [settings.command, settings.deploy_command]


def lines_of(scope: str) -> list[str]:
    return [line for line in MANIFEST.read_text().splitlines() if f"- {scope} " in line]


def test_slack_takes_the_manifest(manifest: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)

    problems = [
        error.message for error in Draft7Validator(schema).iter_errors(manifest)
    ]

    assert problems == []


def test_the_schema_would_notice_a_slip(manifest: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    slip = {**manifest, "setings": {}}

    assert not Draft7Validator(schema).is_valid(slip)


def test_the_scopes_are_those_that_the_bot_checks(manifest: dict[str, Any]) -> None:
    asked = manifest["oauth_config"]["scopes"]["bot"]

    assert set(asked) == SCOPES
    assert len(asked) == len(set(asked))
    assert "user" not in manifest["oauth_config"]["scopes"]


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_each_scope_has_its_reason_beside_it(scope: str) -> None:
    (line,) = lines_of(scope)

    assert re.fullmatch(rf"\s+- {scope} # \S.{{3,}}", line)


@pytest.mark.parametrize(
    ("scope", "used_for"),
    [
        ("channels:history", {"lock", "stop", "confirm", "approve", "reject"}),
        ("channels:read", {"writers", "reviewers", "runners"}),
        ("usergroups:read", {"writers", "reviewers", "runners", "teams"}),
    ],
)
def test_a_reason_names_all_that_the_scope_is_used_for(
    scope: str, used_for: set[str]
) -> None:
    (line,) = lines_of(scope)

    assert used_for <= set(re.findall(r"\w+", line.partition("#")[2]))


def test_every_method_that_is_called_is_within_the_scopes() -> None:
    called = {
        name.replace("_", ".")
        for module in Path(str(bot.slack.__file__)).parent.glob("*.py")
        for name in re.findall(
            r"client\.((?:apps|auth|chat|conversations|files|usergroups|users|views)_\w+)",
            module.read_text(),
        )
    }

    assert len(called) >= 13
    assert called <= METHODS.keys()
    assert {METHODS[name].scope for name in called} - {""} <= SCOPES


def test_every_event_has_a_listener_and_its_scope(
    manifest: dict[str, Any], roll: Roll
) -> None:
    events = manifest["settings"]["event_subscriptions"]["bot_events"]

    assert {event.partition(".")[0] for event in events} == set(roll.names["event"])
    assert {EVENT_SCOPES[event] for event in events} - {""} <= SCOPES


def test_the_commands_are_those_that_are_listened_for(
    manifest: dict[str, Any], roll: Roll
) -> None:
    commands = [entry["command"] for entry in manifest["features"]["slash_commands"]]

    assert commands == roll.names["command"] == default_commands()


def test_the_commands_come_as_they_were_typed(manifest: dict[str, Any]) -> None:
    assert [c["should_escape"] for c in manifest["features"]["slash_commands"]] == [
        False,
        False,
    ]


def test_direct_messages_arrive_and_nobody_can_answer_them(
    manifest: dict[str, Any],
) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }
    assert not {scope for scope in SCOPES if scope.startswith(("im:", "mpim:"))}


def test_interactivity_is_on_iff_there_are_buttons(
    manifest: dict[str, Any], roll: Roll
) -> None:
    switch = manifest["settings"]["interactivity"]["is_enabled"]

    assert switch is bool(roll.names["action"] + roll.names["view"])


def test_socket_mode_has_no_addresses(manifest: dict[str, Any]) -> None:
    assert manifest["settings"]["socket_mode_enabled"]
    assert not re.findall(r"\w*url\w*:", yaml.safe_dump(manifest))
