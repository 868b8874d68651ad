"""A Slack workspace on this machine, for trying the bot and for its tests."""

from bot.sandbox.server import Sandbox, SlashAnswer, serve
from bot.sandbox.workspace import Workspace

__all__ = ["Sandbox", "SlashAnswer", "Workspace", "serve"]
