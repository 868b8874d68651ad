"""What the app manifest grants: scopes, commands, events and switches."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from bot.sandbox.values import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """A slash command as the manifest declares it."""

    command: str
    description: str
    usage_hint: str
    should_escape: bool

    def as_page(self) -> Payload:
        """Return what the web page offers for completion."""
        return {
            "command": self.command,
            "description": self.description,
            "usage_hint": self.usage_hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An installed app's rights, read from its manifest."""

    name: str
    bot_name: str
    bot_scopes: frozenset[str]
    commands: tuple[SlashCommand, ...]
    bot_events: frozenset[str]
    home_tab: bool
    messages_tab: bool  #: people may be messaged
    messages_read_only: bool  #: and may not write back
    interactivity: bool

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the manifest (YAML or JSON) at *path*."""
        document: Payload = yaml.safe_load(path.read_text(encoding="utf-8"))
        features: Payload = document.get("features", {})
        settings: Payload = document.get("settings", {})
        scopes: Payload = document.get("oauth_config", {}).get("scopes", {})
        app_home: Payload = features.get("app_home", {})
        name = document["display_information"]["name"]
        return cls(
            name=name,
            bot_name=features.get("bot_user", {}).get("display_name", name),
            bot_scopes=frozenset(scopes.get("bot", ())),
            commands=tuple(map(_command, features.get("slash_commands", ()))),
            bot_events=frozenset(
                settings.get("event_subscriptions", {}).get("bot_events", ())
            ),
            home_tab=bool(app_home.get("home_tab_enabled")),
            messages_tab=bool(app_home.get("messages_tab_enabled")),
            messages_read_only=bool(
                app_home.get("messages_tab_read_only_enabled", True)
            ),
            interactivity=bool(settings.get("interactivity", {}).get("is_enabled")),
        )

    def command(self, name: str) -> SlashCommand | None:
        """Return the slash command called *name*, slash included."""
        return next((c for c in self.commands if c.command == name), None)


def _command(declared: Payload) -> SlashCommand:
    return SlashCommand(
        command=declared["command"],
        description=declared.get("description", ""),
        usage_hint=declared.get("usage_hint", ""),
        should_escape=bool(declared.get("should_escape")),
    )
