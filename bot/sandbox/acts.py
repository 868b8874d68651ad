"""What a person does in the client: commands, messages, buttons, forms."""

import time
from dataclasses import dataclass, field

from bot.sandbox.delivery import Acknowledgement, Delivery, Kind
from bot.sandbox.escaping import escape, link, link_prose, typeset
from bot.sandbox.forms import chosen, find_element, input_problems, state_values
from bot.sandbox.payloads import (
    event_callback,
    heard_by_app,
    home_opened,
    interaction,
    message_container,
    slash_command,
)
from bot.sandbox.responses import Origin, Responses, respond
from bot.sandbox.suggestions import Suggestions, is_asked
from bot.sandbox.values import Answer, Channel, MethodError, Payload, Person
from bot.sandbox.view_answers import apply_view_answer
from bot.sandbox.workspace import Workspace

_DONE = Answer(ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A use of one interactive element; `value` or `selected` where it has one."""

    action_id: str
    block_id: str = ""
    value: str | None = None
    selected: object = None
    #: of a view: what is filled in besides, as for a submission
    filled: Payload = field(default_factory=dict)


class Acts:
    """Turns what people do into payloads, and answers into what they see."""

    def __init__(
        self, workspace: Workspace, delivery: Delivery, responses: Responses
    ) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._responses = responses
        self._suggestions = Suggestions()
        workspace.listeners.append(self.hear)

    async def slash(
        self, line: str, *, by: str, channel: str, thread_ts: str | None = None
    ) -> Answer:
        """Type a slash command, the whole line as written."""
        name, _, text = line.strip().partition(" ")
        if self._workspace.manifest.command(name) is None:
            return Answer(ok=False, error="unknown_command")
        if thread_ts:
            error = f"{name} is not supported in threads. Sorry!"
            return Answer(ok=False, error=error)
        person = self._workspace.active(by)
        where = self._workspace.seen_by(by, channel)
        self._check_not_read_only(where)
        payload = slash_command(
            self._workspace,
            person,
            where,
            name,
            self._typed_after(name, text),
        )
        origin = Origin(user=by, channel=channel)
        payload["response_url"] = self._responses.url_for(origin)
        outcome = await self._delivery.once(Kind.SLASH, payload)
        if not outcome.ok:
            return Answer(ok=False, error=outcome.error)
        self._show_answer(outcome, line, origin)
        return _DONE

    def say(
        self,
        text: str,
        *,
        by: str,
        channel: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> str:
        """Post a message as a person and return its timestamp."""
        person = self._workspace.active(by)
        where = self._workspace.seen_by(by, channel)
        if by not in where.members:
            raise MethodError("not_in_channel")
        if where.is_archived:
            raise MethodError("is_archived")
        self._check_not_read_only(where)
        body = {**self._author(person), "text": self._typed(text)}
        if thread_ts:
            body["thread_ts"] = thread_ts
        if thread_ts and broadcast:
            root = self._workspace.messages.thread(channel, thread_ts)[0]
            body |= {"subtype": "thread_broadcast", "root": root}
        ts: str = self._workspace.messages.post(where, body)["ts"]
        return ts

    def edit(self, text: str, *, by: str, channel: str, ts: str) -> None:
        """Edit a message of one's own."""
        if self._workspace.messages.find(channel, ts)["user"] != by:
            raise MethodError("cant_update_message")
        edited = {"user": by, "ts": f"{time.time():.6f}"}
        self._workspace.messages.change(
            self._workspace.channel(channel),
            ts,
            {"text": self._typed(text), "edited": edited},
        )

    async def act_on_message(
        self, act: Act, *, by: str, channel: str, message_ts: str
    ) -> Answer:
        """Press a button or choose from a menu on a message."""
        where = self._workspace.seen_by(by, channel)
        message = self._message_for(by, channel, message_ts)
        ephemeral = bool(message.get("is_ephemeral"))
        origin = Origin(
            user=by, channel=channel, message_ts=message_ts, is_ephemeral=ephemeral
        )
        place = message_container(where, message)
        place["response_url"] = self._responses.url_for(origin)
        return await self._act(act, by=by, blocks=message.get("blocks"), place=place)

    async def act_on_view(self, act: Act, *, by: str, view_id: str) -> Answer:
        """Press a button or choose from a menu in a modal or Home."""
        view = self._workspace.views.find(by, view_id)
        blocks = self._suggestions.with_offers(view_id, view["blocks"])
        element = find_element(blocks, act.action_id, act.block_id, acting=True)
        own = {} if element["type"] == "button" else _own_state(act, element)
        filled = self._filled(view, {**act.filled, **own})
        place = {"container": {"type": "view", "view_id": view_id}, "view": filled}
        return await self._act(act, by=by, blocks=blocks, place=place)

    async def suggest(
        self, typed: str, *, by: str, view_id: str, action_id: str, block_id: str = ""
    ) -> list[Payload]:
        """Type into a menu of the app's own options in a view; return what it offers.

        Refuses with Slack's error where the app did not answer, or with too much.
        """
        view = self._workspace.views.find(by, view_id)
        menu = find_element(view["blocks"], action_id, block_id)
        if not is_asked(menu, typed):
            return []
        payload = {
            **self._interaction(by, "block_suggestion"),
            "container": {"type": "view", "view_id": view_id},
            "view": self._filled(view, {}),
            "block_id": menu["block_id"],
            "action_id": action_id,
            "value": typed,
        }
        outcome = await self._delivery.once(Kind.INTERACTIVE, payload)
        if not outcome.ok:
            raise MethodError(outcome.error)
        return self._suggestions.note(view_id, menu, outcome.payload or {})

    async def submit(self, view_id: str, values: Payload, *, by: str) -> Answer:
        """Submit a form; *values* are texts or Slack's state, by block and action."""
        view = self._workspace.views.find(by, view_id)
        filled = self._filled(view, values)
        problems = input_problems(filled)
        if problems:
            return Answer(ok=False, errors=problems)
        payload = self._interaction(by, "view_submission")
        outcome = await self._delivery.once(
            Kind.INTERACTIVE, {**payload, "view": filled, "response_urls": []}
        )
        if not outcome.ok:
            return Answer(ok=False, error=outcome.error)
        return apply_view_answer(self._workspace, by, view, outcome.payload or {})

    async def close_view(self, view_id: str, *, by: str) -> Answer:
        """Close a modal; the app hears of it if it asked to."""
        view = self._workspace.views.close(by, view_id)
        if view.get("notify_on_close"):
            payload = {"view": view, "is_cleared": False}
            base = self._interaction(by, "view_closed")
            await self._delivery.once(Kind.INTERACTIVE, {**base, **payload})
        return _DONE

    def open_home(self, *, by: str, tab: str = "home") -> Payload | None:
        """Look at the app's Home or messages; return what is published there now."""
        self._workspace.active(by)
        channel = self._workspace.direct_message(by)
        self._workspace.tell(None, home_opened(self._workspace, by, channel, tab))
        return self._workspace.views.home(by)

    def _filled(self, view: Payload, values: Payload) -> Payload:
        """Return *view* with what is filled in: what was before, and *values*."""
        views, name = self._workspace.views, view["id"]
        blocks = self._suggestions.with_offers(name, view["blocks"])
        before = views.filled(name)
        given = {
            block: {**before.get(block, {}), **values.get(block, {})}
            for block in {**before, **values}
        }
        state = state_values({**view, "blocks": blocks}, given)
        views.fill(name, state)
        return {**view, "state": {"values": state}}

    async def _act(
        self, act: Act, *, by: str, blocks: object, place: Payload
    ) -> Answer:
        if not self._workspace.manifest.interactivity:
            return Answer(ok=False, error="interactivity_disabled")
        element = find_element(blocks, act.action_id, act.block_id)
        action = {**element, "action_ts": self._workspace.mint.ts()}
        if act.value is not None:
            action["value"] = act.value
        if act.selected is not None:
            action |= chosen(element, act.selected)
        payload = self._interaction(by, "block_actions")
        outcome = await self._delivery.once(
            Kind.INTERACTIVE, {**payload, **place, "actions": [action]}
        )
        return Answer(ok=outcome.ok, error=outcome.error)

    def _interaction(self, by: str, kind: str) -> Payload:
        person = self._workspace.active(by)
        payload = interaction(self._workspace, person, kind)
        if kind not in {"view_closed", "block_suggestion"}:
            payload["trigger_id"] = self._workspace.triggers.new(by)
        return payload

    def _show_answer(self, outcome: Acknowledgement, line: str, origin: Origin) -> None:
        """Show what came with the acknowledgement of a slash command."""
        answer = outcome.payload or {}
        if answer.get("response_type") == "in_channel":
            person = self._workspace.person(origin.user)
            body = {**self._author(person), "text": escape(line)}
            where = self._workspace.channel(origin.channel)
            self._workspace.messages.post(where, body)
        if answer.get("text") or answer.get("blocks"):
            respond(self._workspace, origin, answer)

    def _check_not_read_only(self, where: Channel) -> None:
        if where.is_im and self._workspace.manifest.messages_read_only:
            raise MethodError("messages_tab_read_only")

    def _message_for(self, user: str, channel: str, ts: str) -> Payload:
        for shown in self._workspace.ephemerals:
            if shown["ts"] == ts and shown["for"] == user:
                return shown
        return self._workspace.messages.find(channel, ts)

    def _author(self, person: Person) -> Payload:
        own: Payload = {"user": person.id, "team": person.team}
        if person.is_bot:
            return {**own, "bot_id": person.bot_id, "subtype": "bot_message"}
        return {**own, "client_msg_id": self._workspace.mint.id("M")}

    def _typed(self, text: str) -> str:
        return link_prose(escape(self._keyed(text)), **self._names())

    def _typed_after(self, command: str, text: str) -> str:
        declared = self._workspace.manifest.command(command)
        escaped = escape(self._keyed(text.strip()))
        if declared is None or not declared.should_escape:
            return escaped
        return link(escaped, **self._names())

    def _keyed(self, text: str) -> str:
        return typeset(text) if self._workspace.smart_punctuation else text

    def _names(self) -> dict[str, dict[str, str]]:
        workspace = self._workspace
        people = {person.name: person.id for person in workspace.people.values()}
        groups = {group.handle: group.id for group in workspace.groups.values()}
        channels = {c.name: c.id for c in workspace.channels.values() if not c.is_im}
        return {"people": {**groups, **people}, "channels": channels}

    def hear(self, channel: Channel | None, event: Payload) -> None:
        """Deliver *event* if the app may hear of it."""
        if not heard_by_app(self._workspace, channel, event):
            return
        by_person = event.get("user") != self._workspace.bot.id
        payload = event_callback(self._workspace, event)
        self._delivery.event(payload, by_person=by_person and not event.get("hidden"))


def _own_state(act: Act, element: Payload) -> Payload:
    """Return what the element that is used says itself, as what is filled in."""
    used = {} if act.selected is None else chosen(element, act.selected)
    if act.value is not None:
        used["value"] = act.value
    return {element["block_id"]: {act.action_id: used}} if used else {}
