"""From where a request comes, and whose word for it is believed."""

from ipaddress import ip_address, ip_network

import pytest

from bot.api.peer import NOWHERE, Peers, address, is_within, share

PROXIES = Peers(proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


def test_without_proxies_nobody_is_believed() -> None:
    assert Peers().origin("192.0.2.1", ["203.0.113.9"]) == ip_address("192.0.2.1")


def test_somebody_who_is_no_proxy_is_not_believed() -> None:
    assert PROXIES.origin("192.0.2.1", ["203.0.113.9"]) == ip_address("192.0.2.1")


@pytest.mark.parametrize(
    ("forwarded", "origin"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7, 203.0.113.9, 10.1.1.1,fd00::2"], "203.0.113.9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["10.2.2.2"], "10.2.2.2"),
        (["198.51.100.7, 203.0.113.9:5678"], "203.0.113.9"),
        (["203.0.113.9:1, [fd00::2]:443, 10.1.1.1:80"], "203.0.113.9"),
        (["[2001:db8::9]:80, [fd00::2]"], "2001:db8::9"),
        (["[::ffff:203.0.113.9]:80"], "203.0.113.9"),
        (["203.0.113.9, [203.0.113.8"], "10.0.0.1"),
        (["203.0.113.9, 203.0.113.8:"], "10.0.0.1"),
        ([], "10.0.0.1"),
        (["203.0.113.9, nonsense"], "10.0.0.1"),
        (["203.0.113.9, unknown, 10.1.1.1"], "10.1.1.1"),
    ],
)
def test_behind_proxies_the_last_that_is_none_counts(
    forwarded: list[str], origin: str
) -> None:
    assert PROXIES.origin("10.0.0.1", forwarded) == ip_address(origin)


def test_ipv4_within_ipv6_is_the_ipv4_that_it_is() -> None:
    assert address("::ffff:192.0.2.1") == ip_address("192.0.2.1")
    assert PROXIES.origin("::ffff:10.0.0.1", ["192.0.2.1"]) == ip_address("192.0.2.1")


def test_the_zone_of_a_link_local_address_does_not_count() -> None:
    assert address("fe80::1%eth0") == ip_address("fe80::1")


def test_a_peer_without_an_address_is_nowhere() -> None:
    assert Peers().origin(None, []) == NOWHERE
    assert not is_within(NOWHERE, ["10.0.0.0/8", "2000::/3"])


def test_a_network_of_one_kind_has_no_address_of_the_other() -> None:
    assert is_within(ip_address("10.1.2.3"), ["fd00::/8", "10.0.0.0/8"])
    assert not is_within(ip_address("fd00::1"), ["0.0.0.0/0"])


def test_what_one_party_has_is_an_ipv4_address_or_a_64_of_ipv6() -> None:
    assert share(ip_address("192.0.2.1")) == "192.0.2.1"
    assert share(ip_address("2001:db8:1:2:3::4")) == "2001:db8:1:2::/64"
