"""The whole workspace as one person may see it, for the web page."""

from bot.sandbox.values import Payload
from bot.sandbox.workspace import Workspace


def snapshot(workspace: Workspace, viewer: str) -> Payload:
    """Return the page's state as *viewer* sees it."""
    channels = [c for c in workspace.channels.values() if c.visible_to(viewer)]
    everybody = list(workspace.people.values())
    has_home = workspace.manifest.home_tab
    ephemerals: dict[str, list[Payload]] = {}
    for shown in workspace.ephemerals:
        if shown["for"] == viewer:
            ephemerals.setdefault(shown["channel"], []).append(shown)
    return {
        "team": {"id": workspace.team, "name": workspace.name},
        "me": workspace.person(viewer).as_page(),
        "people": [
            {**person.as_page(), "told": _told(workspace, person.id)}
            for person in everybody
            if not person.is_bot
        ],
        "bots": [
            {
                **person.as_page(),
                "bot_id": person.bot_id,
                "has_home": person.id == workspace.bot.id and has_home,
            }
            for person in everybody
            if person.is_bot
        ],
        "channels": [
            {
                **channel.as_page(viewer),
                "is_read_only": channel.is_im and workspace.manifest.messages_read_only,
            }
            for channel in channels
        ],
        "commands": [
            {**command.as_page(), "example": workspace.examples.get(command.command)}
            for command in workspace.manifest.commands
        ],
        "groups": [
            {"id": group.id, "handle": group.handle, "name": group.name}
            for group in workspace.groups.values()
        ],
        "messages": {c.id: workspace.messages.of(c.id) for c in channels},
        "ephemerals": ephemerals,
        "views": workspace.views.open_for(viewer),
    }


def _told(workspace: Workspace, user: str) -> str:
    """Return the timestamp of the newest direct message, for the page's dot."""
    channel = workspace.opened_with(user)
    messages = workspace.messages.of(channel.id) if channel else []
    return str(messages[-1]["ts"]) if messages else ""
