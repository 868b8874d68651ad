"""Where a job is told that Handrail is, and what opens it."""

import pytest

from bot.client.server import Server, Unusable
from tests.support.tracked_api import KEY


def read(url: str, key: str = KEY, **more: str) -> Server:
    return Server.read({"HANDRAIL_URL": url, "HANDRAIL_API_KEY": key, **more})


@pytest.mark.parametrize(
    "url",
    [
        "https://handrail.example.com",
        "https://handrail.example.com/ops/",
        "http://localhost:3000",
        "http://127.0.0.1:3000/",
        "http://[::1]:3000",
    ],
)
def test_a_server_is_asked_over_https_or_on_this_machine(url: str) -> None:
    assert read(f" {url} ").url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://handrail.example.com", "http://10.0.0.7:3000", "http://localhost.x"]
)
def test_plain_http_to_elsewhere_has_to_be_asked_for(url: str) -> None:
    with pytest.raises(Unusable, match="plain http"):
        read(url)
    with pytest.raises(Unusable, match="plain http"):
        read(url, HANDRAIL_INSECURE="0")

    assert read(url, HANDRAIL_INSECURE="1").url == url


@pytest.mark.parametrize(
    "url",
    [
        "handrail.example.com",
        "ftp://handrail.example.com",
        "https://",
        "https://ann:pass@handrail.example.com",
        "https://handrail.example.com?stack=a",
        "https://handrail.example.com/#a",
        "https://handrail.example.com:port",
        "https://handrail .example.com",
        "https://[::1",
    ],
)
def test_what_is_no_address_of_an_api_is_refused(url: str) -> None:
    with pytest.raises(Unusable, match="HANDRAIL_URL is not where"):
        read(url)


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(Unusable, match="HANDRAIL_URL is not set"):
        Server.read({"HANDRAIL_API_KEY": KEY})
    with pytest.raises(Unusable, match="HANDRAIL_API_KEY is not set"):
        Server.read({"HANDRAIL_URL": "https://handrail.example.com"})


@pytest.mark.parametrize("key", ["hr_abc", KEY[3:], f"{KEY}\r\nX: y", "hr_ä_ö"])
def test_a_key_that_is_mixed_up_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(Unusable, match="cut or mixed up") as refused:
        read("https://handrail.example.com", key)

    assert key not in str(refused.value)


def test_a_server_does_not_show_its_key() -> None:
    assert KEY not in repr(read("https://handrail.example.com"))
