"""Modals and Home tabs: who has which open, and their versions."""

import secrets
from collections import defaultdict
from itertools import chain

from bot.sandbox.feed import Feed
from bot.sandbox.forms import kept
from bot.sandbox.mint import Mint
from bot.sandbox.values import MethodError, Payload

#: Slack stacks at most so many modals: https://docs.slack.dev/surfaces/modals
_STACK = 3


class Views:
    """The open modals of each person, lowest first, and their Home."""

    def __init__(self, feed: Feed, mint: Mint) -> None:
        self._feed = feed
        self._mint = mint
        self._stacks: dict[str, list[Payload]] = defaultdict(list)
        self._homes: dict[str, Payload] = {}
        self._filled: dict[str, Payload] = {}

    def filled(self, view_id: str) -> Payload:
        """Return what was last known to be filled in: states by block and action."""
        return self._filled.get(view_id, {})

    def fill(self, view_id: str, state: Payload) -> None:
        """Keep what is filled in, as long as the fields are there."""
        self._filled[view_id] = state

    def open_for(self, user: str) -> list[Payload]:
        """Return the modals of *user*, the visible one last."""
        return list(self._stacks[user])

    def home(self, user: str) -> Payload | None:
        """Return the Home of *user*, if one was published."""
        return self._homes.get(user)

    def find(self, user: str, view_id: str) -> Payload:
        """Return an open view of *user*, or refuse with `not_found`."""
        mine = [*self._stacks[user], *filter(None, [self.home(user)])]
        for view in mine:
            if view["id"] == view_id:
                return view
        raise MethodError("not_found")

    def owner(self, view_id: str, external_id: str) -> tuple[str, Payload]:
        """Return who has the view open, and the view, or refuse."""
        shown = [(user, view) for user, views in self._stacks.items() for view in views]
        for user, view in [*shown, *self._homes.items()]:
            by_name = external_id and view["external_id"] == external_id
            if view["id"] == view_id or by_name:
                return user, view
        raise MethodError("not_found")

    def open(self, user: str, view: Payload) -> Payload:
        """Open a first modal, in the place of any other."""
        self._refuse_taken(view)
        self._stacks[user].clear()
        return self._show(user, view)

    def push(self, user: str, view: Payload) -> Payload:
        """Put a modal on top of the open one."""
        if len(self._stacks[user]) >= _STACK:
            raise MethodError("push_limit_reached")
        self._refuse_taken(view)
        return self._show(user, view)

    def update(self, user: str, old: Payload, new: Payload, guard: str = "") -> Payload:
        """Replace an open view, unless *guard* names another version."""
        if guard and guard != old["hash"]:
            raise MethodError("hash_conflict")
        self._refuse_taken(new, old["id"])
        same = {n: old[n] for n in ("id", "root_view_id", "previous_view_id")}
        view = {**new, **same, "hash": _version()}
        self.fill(old["id"], kept(new["blocks"], self.filled(old["id"])))
        if old["type"] == "home":
            self._homes[user] = view
        else:
            stack = self._stacks[user]
            stack[stack.index(old)] = view
        self._publish("view", user, view)
        return view

    def publish(self, user: str, view: Payload, guard: str = "") -> Payload:
        """Set the Home of *user*."""
        old = self._homes.get(user)
        if old is not None:
            return self.update(user, old, view, guard)
        home = self._named(view, previous=None)
        self._homes[user] = home
        self._publish("view", user, home)
        return home

    def close(self, user: str, view_id: str) -> Payload:
        """Close a modal and those above it; return it."""
        view = self.find(user, view_id)
        stack = self._stacks[user]
        while stack and stack[-1]["id"] != view_id:
            self._publish("view_closed", user, stack.pop())
        if stack:
            self._publish("view_closed", user, stack.pop())
        return view

    def clear(self, user: str) -> None:
        """Close every modal of *user*."""
        while self._stacks[user]:
            self._publish("view_closed", user, self._stacks[user].pop())

    def _refuse_taken(self, view: Payload, own: str = "") -> None:
        others = (
            one
            for one in (
                *chain.from_iterable(self._stacks.values()),
                *self._homes.values(),
            )
            if one["id"] != own
        )
        name = view["external_id"]
        if name and any(one["external_id"] == name for one in others):
            raise MethodError("duplicate_external_id")

    def _show(self, user: str, view: Payload) -> Payload:
        stack = self._stacks[user]
        shown = self._named(view, previous=stack[-1] if stack else None)
        stack.append(shown)
        self._publish("view", user, shown)
        return shown

    def _named(self, view: Payload, *, previous: Payload | None) -> Payload:
        own = self._mint.id("V")
        return {
            **view,
            "id": own,
            "hash": _version(),
            "root_view_id": previous["root_view_id"] if previous else own,
            "previous_view_id": previous["id"] if previous else None,
        }

    def _publish(self, change: str, user: str, view: Payload) -> None:
        self._feed.publish({"type": change, "view": view}, only_for=user)


def _version() -> str:
    return f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}"
