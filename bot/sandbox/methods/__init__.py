"""Every Web API method of the local workspace, by name."""

from collections.abc import Mapping
from typing import Final

from bot.sandbox.methods import (
    apps,
    chat,
    conversations,
    files,
    people,
    reactions,
    views,
)
from bot.sandbox.methods.method import Method

_FAMILIES = (apps, chat, conversations, files, people, reactions, views)

METHODS: Final[Mapping[str, Method]] = {
    method.name: method for family in _FAMILIES for method in family.METHODS
}
