"""apps.*: opening a Socket Mode connection."""

import secrets

from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.values import Payload
from bot.sandbox.workspace import Workspace


def open_connection(workspace: Workspace, _arguments: Arguments) -> Payload:
    """Return the address of a socket, good for one connection."""
    ticket = secrets.token_hex(16)
    workspace.tickets.add(ticket)
    address = workspace.url.replace("http", "ws", 1)
    return {"url": f"{address}/socket?ticket={ticket}&app_id={workspace.app_id}"}


METHODS = (
    Method(
        name="apps.connections.open", run=open_connection, tokens=frozenset({"app"})
    ),
)
