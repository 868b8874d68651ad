"""The arguments of a Web API call, whichever way they came."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import TypeVar

from bot.sandbox.values import MethodError, Payload

Item = TypeVar("Item")


class Arguments:
    """Query, form and JSON arguments merged; each read as what it should be."""

    def __init__(self, raw: Payload) -> None:
        self.raw = raw

    def __contains__(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return an optional text."""
        value = self.raw.get(name)
        return default if value is None else str(value)

    def required(self, name: str, error: str = "") -> str:
        """Return a text that must be there, or refuse with *error*."""
        value = self.text(name)
        if value:
            return value
        if error:
            raise MethodError(error)
        raise MethodError(
            "invalid_arguments",
            response_metadata={"messages": [f"[ERROR] missing required field: {name}"]},
        )

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value, also written as `1` or `true`."""
        value = self.raw.get(name)
        return default if value is None else str(value).lower() in {"1", "true"}

    def count(self, name: str, *, default: int, most: int) -> int:
        """Return a positive number up to *most*, or refuse with `invalid_limit`."""
        value = self.text(name) or str(default)
        if not value.isdecimal() or not 0 < int(value) <= most:
            raise MethodError("invalid_limit")
        return int(value)

    def json(self, name: str, error: str = "invalid_arguments") -> object:
        """Return an object or list, also when it came as JSON text."""
        value: object = self.raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            decoded: object = json.loads(value)
        except ValueError:
            raise MethodError(error) from None
        return decoded

    def page(
        self, items: Sequence[Item], *, default: int, most: int = 1_000
    ) -> tuple[list[Item], Payload]:
        """Return the asked-for part of *items* and the `response_metadata`."""
        start = self._offset()
        end = start + self.count("limit", default=default, most=most)
        cursor = _cursor(end) if end < len(items) else ""
        return list(items[start:end]), {"next_cursor": cursor}

    def _offset(self) -> int:
        cursor = self.text("cursor")
        if not cursor:
            return 0
        try:
            return int(base64.b64decode(cursor).decode().removeprefix("offset:"))
        except (ValueError, binascii.Error):
            raise MethodError("invalid_cursor") from None


def _cursor(offset: int) -> str:
    return base64.b64encode(f"offset:{offset}".encode()).decode()
