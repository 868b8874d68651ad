"""Find out which API key asks, and refuse everybody else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import web

from bot.api.attempts import Attempts
from bot.api.bearer import bearer
from bot.api.errors import STATUS, Unanswerable
from bot.api.peer import Address, Peers, is_within, share
from bot.api.unbelieved import Unbelieved
from bot.domain.errors import Refusal
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ActorKind
from bot.ports import Clock, Keys

log = structlog.get_logger(__name__)

#: a use is stored again only when that much has passed, or from another address
_NOTED_EVERY: Final = timedelta(minutes=1)

_STRANGER: Final = Actor(kind=ActorKind.API_KEY, id="", name="api::?")

_HOW: Final = (
    "Send a key in the header `Authorization: Bearer hr_…`. An admin makes one with "
    "`handrail key create`."
)
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="handrail"'}
_REJECTED: Final = {
    "WWW-Authenticate": 'Bearer realm="handrail", error="invalid_token"'
}

#: records a refusal: by whom, and its detail
Note = Callable[[Actor, str], Awaitable[None]]


class Authentication:
    """Each refusal counts as a failed attempt, and has an audit row.

    Once an address failed too often it is one row for all of its failed attempts
    until it may fail again. A valid key is let in all the same: else a stranger could
    shut out everybody behind the address that they share.
    """

    def __init__(
        self, *, keys: Keys, note: Note, clock: Clock, peers: Peers, attempts: Attempts
    ) -> None:
        self._keys = keys
        self._note = note
        self._clock = clock
        self._peers = peers
        self._attempts = attempts
        self._unbelieved = Unbelieved(peers)

    async def key_of(self, request: web.Request, what: str) -> ApiKey:
        """Return the key that asks for *what*, or raise Unanswerable."""
        origin = self._origin(request)
        shown = bearer(request.headers.getall("Authorization", []))
        key = None if shown is None else await self._keys.by_id(shown.id)
        is_its = shown is not None and shown.is_of(key)
        if key is None or not is_its:
            raise await self._failed(_unknown(request), _STRANGER, origin, what)
        refusal = self._not_now(key, origin)
        if refusal is not None:
            raise await self._failed(refusal, key.actor, origin, what)
        await self._note_use(key, str(origin))
        return key

    async def is_still(self, key: ApiKey) -> bool:
        """Tell whether *key* opens anything still, asked afresh."""
        now = await self._keys.by_id(key.id)
        return now is not None and now.is_valid(self._clock())

    def _origin(self, request: web.Request) -> Address:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        if forwarded:
            self._unbelieved.look(request.remote)
        return self._peers.origin(request.remote, forwarded)

    def _not_now(self, key: ApiKey, origin: Address) -> Unanswerable | None:
        if not key.is_valid(self._clock()):
            over = "has expired" if key.revoked_at is None else "was revoked"
            return Unanswerable(
                f"The API key {key.name} {over}. {_HOW}",
                code=Refusal.BAD_KEY,
                headers=_REJECTED,
            )
        if key.networks and not is_within(origin, key.networks):
            return Unanswerable(
                f"The API key {key.name} may not be used from {origin}. Use it from "
                "where it was made for, or have an admin make another.",
                code=Refusal.NOT_ALLOWED,
            )
        return None

    async def _refuse_too_often(self, origin: Address, what: str) -> None:
        seconds = self._attempts.wait(share(origin))
        if not seconds:
            return
        if self._attempts.is_news(share(origin)):
            log.warning("api attempts limited", address=str(origin))
            await self._note(
                _STRANGER, f"{Refusal.TOO_OFTEN}: {what} and more, from {origin}"
            )
        raise Unanswerable(
            f"Too many attempts with a wrong key came from {origin}. Wait {seconds} s.",
            code=Refusal.TOO_OFTEN,
            headers={"Retry-After": str(seconds)},
        )

    async def _failed(
        self, refusal: Unanswerable, actor: Actor, origin: Address, what: str
    ) -> Unanswerable:
        # Nothing is awaited between the two: of many attempts at once, no more than
        # the limit are answered.
        await self._refuse_too_often(origin, what)
        self._attempts.failed(share(origin))
        log.warning(
            "api key refused",
            key=actor.id,
            address=str(origin),
            status=STATUS[refusal.code],
        )
        await self._note(actor, f"{refusal.code}: {what}, from {origin}")
        return refusal

    async def _note_use(self, key: ApiKey, address: str) -> None:
        now = self._clock()
        is_fresh = key.used_at is not None and now - key.used_at < _NOTED_EVERY
        if not is_fresh or key.used_from != address:
            await self._keys.note_use(key.name, address, now)


def _unknown(request: web.Request) -> Unanswerable:
    if "Authorization" not in request.headers:
        return Unanswerable(
            f"There is no key. {_HOW}", code=Refusal.BAD_KEY, headers=_CHALLENGE
        )
    return Unanswerable(
        f"That is no API key. {_HOW}", code=Refusal.BAD_KEY, headers=_REJECTED
    )
