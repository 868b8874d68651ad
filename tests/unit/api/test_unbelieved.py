"""Which peers the log is told of because they speak for others."""

from ipaddress import ip_network

from structlog.testing import capture_logs

from bot.api.peer import Peers
from bot.api.unbelieved import Unbelieved


def told(peers: Peers, *seen: str | None, most: int = 100) -> list[str | None]:
    unbelieved = Unbelieved(peers, most)
    with capture_logs() as logs:
        for peer in seen:
            unbelieved.look(peer)
    assert all("HANDRAIL_PROXIES" in entry["event"] for entry in logs)
    return [entry["peer"] for entry in logs]


def test_a_peer_that_is_no_named_proxy_is_told_once() -> None:
    assert told(Peers(), "10.0.0.1", "10.0.0.1", "10.0.0.2") == ["10.0.0.1", "10.0.0.2"]


def test_a_named_proxy_is_not_told() -> None:
    peers = Peers(proxies=(ip_network("10.0.0.0/8"),))

    assert told(peers, "10.0.0.1", "192.0.2.1") == ["192.0.2.1"]


def test_no_more_peers_are_told_than_are_remembered() -> None:
    assert told(Peers(), "a::1", "b::1", "c::1", None, most=2) == ["a::1", "b::1"]
