"""Peers that speak for others and are not believed, as a proxy that nobody named."""

from typing import Final

import structlog

from bot.api.peer import NOWHERE, Peers, address, share

log = structlog.get_logger(__name__)

#: how many are remembered, and told; anybody can send the header
MOST: Final = 100


class Unbelieved:
    """Tells the log of each peer once."""

    def __init__(self, peers: Peers, most: int = MOST) -> None:
        self._peers = peers
        self._most = most
        self._told: set[str] = set()

    def look(self, peer: str | None) -> None:
        """Look at a *peer* that sends X-Forwarded-For."""
        name = share(address(peer or "") or NOWHERE)
        if self._peers.believes(peer) or name in self._told:
            return
        if len(self._told) < self._most:
            self._told.add(name)
            log.warning(
                "X-Forwarded-For not believed, its peer is not in HANDRAIL_PROXIES",
                peer=peer,
            )
