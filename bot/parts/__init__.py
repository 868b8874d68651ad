"""The composition root: the one place where concrete classes meet."""

from bot.parts.whole import Parts

__all__ = ["Parts"]
