"""What a job's requests give away, and to whom."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.client.api import Api, Away, Denied, Untrusted
from bot.client.server import Server
from tests.support.tracked_api import KEY


@asynccontextmanager
async def served(
    answer: web.Response, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[web.BaseRequest]]]:
    """Answer everything with *answer*; yield the URL and what was asked."""
    asked: list[web.BaseRequest] = []

    async def note(request: web.BaseRequest) -> web.Response:
        asked.append(request)
        return answer

    runner = web.ServerRunner(web.Server(note))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def asking(url: str) -> AbstractAsyncContextManager[Api]:
    return Api.open(Server(url=url, key=KEY))


def a_run() -> web.Response:
    return web.json_response({"id": 1, "state": "ready"})


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "handrail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def speaking_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    certificate: Path,
) -> None:
    async with (
        served(a_run(), speaking_tls(certificate)) as (url, asked),
        asking(url) as api,
    ):
        with pytest.raises(Untrusted, match="certificate is not trusted"):
            await api.run(1)

    assert asked == []


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    async with served(a_run()) as (elsewhere, asked_elsewhere):
        moved = web.Response(status=307, headers={"Location": f"{elsewhere}/api"})
        async with served(moved) as (url, _), asking(url) as api:
            with pytest.raises(Away, match="HTTP 307"):
                await api.announce("net-prod", "true", "1")

    assert asked_elsewhere == []


async def test_a_netrc_does_not_replace_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password pass\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with served(a_run()) as (url, asked), asking(url) as api:
        await api.run(1)

    assert asked[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_a_proxy_is_used_where_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(a_run()) as (proxy, asked):
        with_login = proxy.replace("://", "://ann:pass@")
        monkeypatch.setenv("http_proxy", with_login)
        async with asking("http://10.255.255.1") as api:
            await api.run(1)

    assert asked[0].headers["Host"] == "10.255.255.1"
    assert asked[0].headers["Proxy-Authorization"].startswith("Basic ")
    assert asked[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "proxy", ["socks5://ann:pass@127.0.0.1:1", "http://ann:pass@127.0.0.1:port"]
)
async def test_a_proxy_that_cannot_be_used_is_told_without_its_login(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    async with asking("http://10.255.255.1") as api:
        with pytest.raises(Away) as away:
            await api.run(1)

    assert "pass@" not in str(away.value)


async def test_a_proxy_that_refuses_is_told_without_its_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(web.Response(status=407)) as (proxy, _):
        monkeypatch.setenv("https_proxy", proxy.replace("://", "://ann:pass@"))
        async with asking("https://10.255.255.1") as api:
            with pytest.raises(Away, match="the proxy answers HTTP 407") as away:
                await api.run(1)

    assert "pass" not in str(away.value)


async def test_a_proxy_is_not_used_for_what_is_excepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(a_run()) as (url, asked):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with asking(url) as api:
            await api.run(1)

    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>Welcome</html>", content_type="text/html"),
        web.Response(body=b"\xff\xfe", content_type="application/json"),
        web.json_response([1]),
        web.json_response({"state": "ready"}),
        web.json_response({"id": 1}),
        web.json_response({"error": "x"}, status=404),
        web.Response(status=429),
    ],
)
async def test_an_answer_that_is_not_handrails_is_no_answer(
    answer: web.Response,
) -> None:
    async with served(answer) as (url, _), asking(url) as api:
        with pytest.raises(Away):
            await api.run(1)


async def test_a_refusal_carries_handrails_own_words() -> None:
    no = web.json_response(
        {"error": "held", "message": "ann has held net-prod for 2 h."}, status=409
    )
    async with served(no) as (url, _), asking(url) as api:
        with pytest.raises(Denied, match="ann has held") as denied:
            await api.run(1)

    assert (denied.value.status, denied.value.code) == (409, "held")
