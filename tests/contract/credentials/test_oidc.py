"""A run's token is good for whoever verifies it from what the bot serves over HTTP.

joserfc verifies: it shares no code with what signs.
"""

import asyncio
import json
import socket
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session
from aiohttp import ClientSession
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
)
from joserfc.jwk import KeySet
from slack_bolt.async_app import AsyncApp

from bot.api.documents import document_routes
from bot.api.server import AddressUnavailable, application, serving
from bot.credentials.keys import COPY_LIFETIME, SigningKeys
from bot.credentials.oidc import OidcTokens, documents
from bot.domain.errors import SecretUnavailable
from bot.domain.stack import OidcIssuer, OidcToken
from bot.ports import Minted
from bot.slack.connection import signed_http
from tests.support.aws import ACCOUNT, Cloud
from tests.support.bot import a_stack
from tests.support.builders import a_run
from tests.support.logs import logged

AUDIENCE = "sts.amazonaws.com"


class Now:
    """The time now, or as much later as a test says."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(kw_only=True)
class Issuer:
    """A bot, as far as it signs tokens and serves what they are verified by."""

    tokens: OidcTokens
    now: Now

    @property
    def url(self) -> str:
        assert self.tokens.issuer is not None
        return self.tokens.issuer.issuer

    async def token(self, *audiences: str, **run: Any) -> str:
        stack = a_stack(oidc=OidcToken(audiences=audiences or (AUDIENCE,)))
        minted = await self.tokens.mint(a_run(**run), stack)
        return minted.secret_variables["HANDRAIL_OIDC_TOKEN"]

    async def verified(self, token: str, audience: str = AUDIENCE) -> dict[str, Any]:
        """Verify as a cloud does that knows nothing but the issuer's URL."""
        configuration = await fetched(f"{self.url}/.well-known/openid-configuration")
        assert configuration["issuer"] == self.url
        keys = KeySet.import_key_set(await fetched(configuration["jwks_uri"]))
        algorithms = configuration["id_token_signing_alg_values_supported"]
        decoded = jwt.decode(token, keys, algorithms=algorithms)
        jwt.JWTClaimsRegistry(
            now=int(self.now().timestamp()),
            iss={"essential": True, "value": self.url},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            nbf={"essential": True},
        ).validate(decoded.claims)
        return decoded.claims


async def fetched(url: str) -> Any:
    async with ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        return await answer.json()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def an_issuer(folder: Path, url: str) -> Issuer:
    now = Now()
    keys = SigningKeys(folder / "oidc", now)
    tokens = OidcTokens(issuer=OidcIssuer(issuer=url), keys=keys, clock=now)
    return Issuer(tokens=tokens, now=now)


def served(issuer: Issuer, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
    return serving(application(routes(issuer)), "127.0.0.1", port)


def routes(issuer: Issuer) -> Any:
    assert issuer.tokens.issuer is not None
    return document_routes(
        documents(issuer.tokens.issuer, issuer.tokens.keys),
        max_age=int(COPY_LIFETIME.total_seconds()),
    )


@pytest.fixture
async def issuer(tmp_path: Path, port: int) -> AsyncIterator[Issuer]:
    issuer = an_issuer(tmp_path, f"http://127.0.0.1:{port}")
    async with served(issuer, port):
        yield issuer


async def test_a_token_is_verified_from_the_served_key_set(issuer: Issuer) -> None:
    claims = await issuer.verified(await issuer.token(number=7, by="ann"))

    assert claims["sub"] == "stack:net-prod:run_type:task:scope:write"
    assert claims["aud"] == AUDIENCE
    assert claims["exp"] - claims["iat"] == 3600
    assert {name: claims[name] for name in claims if name.startswith("actor")} == {
        "actor": "U0ANN",
        "actor_kind": "person",
        "actor_team": "T0HOME",
    }
    assert (claims["run_id"], claims["run_type"]) == ("7", "task")
    assert claims["stack"] == "net-prod"


async def test_the_configuration_names_every_claim_that_a_token_has(
    issuer: Issuer,
) -> None:
    claims = await issuer.verified(await issuer.token())

    named = await fetched(f"{issuer.url}/.well-known/openid-configuration")

    assert sorted(named["claims_supported"]) == sorted(claims)
    assert named["response_types_supported"] == ["id_token"]
    assert named["subject_types_supported"] == ["public"]


async def test_no_two_tokens_are_the_same(issuer: Issuer) -> None:
    assert await issuer.token() != await issuer.token()


async def test_a_token_for_several_is_good_for_each_and_for_nobody_else(
    issuer: Issuer,
) -> None:
    token = await issuer.token("vault", "api://AzureADTokenExchange")

    assert await issuer.verified(token, "vault")
    assert await issuer.verified(token, "api://AzureADTokenExchange")
    with pytest.raises(InvalidClaimError):
        await issuer.verified(token, AUDIENCE)


async def test_a_token_ends_after_an_hour(issuer: Issuer) -> None:
    token = await issuer.token()

    issuer.now.ahead = timedelta(minutes=59)
    assert await issuer.verified(token)

    issuer.now.ahead = timedelta(minutes=61)
    with pytest.raises(ExpiredTokenError):
        await issuer.verified(token)


async def test_a_token_that_somebody_changed_is_good_for_nothing(
    issuer: Issuer,
) -> None:
    header, claims, signature = (await issuer.token()).split(".")
    other = (await issuer.token(stack="db-prod")).split(".")[1]

    with pytest.raises(BadSignatureError):
        await issuer.verified(f"{header}.{other}.{signature}")
    assert await issuer.verified(f"{header}.{claims}.{signature}")


async def test_rotation_leaves_every_token_good(issuer: Issuer) -> None:
    before = await issuer.token()
    new = await asyncio.to_thread(issuer.tokens.keys.rotate)

    meanwhile = await issuer.token()
    issuer.now.ahead = timedelta(minutes=15)
    after = await issuer.token()

    assert key_of(after) == new != key_of(before)
    for token in (before, meanwhile, after):
        assert await issuer.verified(token)


def key_of(token: str) -> str:
    header = json.loads(urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return str(header["kid"])


async def test_a_leaked_keys_tokens_are_good_no_more(issuer: Issuer) -> None:
    before = await issuer.token()

    await asyncio.to_thread(lambda: issuer.tokens.keys.rotate(at_once=True))

    assert await issuer.verified(await issuer.token())
    with pytest.raises(InvalidKeyIdError):
        await issuer.verified(before)


async def test_a_token_is_in_a_masked_variable_and_a_secret_file(
    issuer: Issuer,
) -> None:
    stack = a_stack(oidc=OidcToken(audiences=(AUDIENCE,)))

    minted = await issuer.tokens.mint(a_run(), stack)

    token = minted.secret_variables["HANDRAIL_OIDC_TOKEN"]
    (file,) = minted.files
    assert minted.variables == {"HANDRAIL_OIDC_TOKEN_FILE": "/mnt/secrets/oidc-token"}
    assert (file.path, file.content) == ("/mnt/secrets/oidc-token", token.encode())
    assert file.secret
    assert token not in repr(minted)


async def test_a_stack_that_wants_no_token_needs_no_key(tmp_path: Path) -> None:
    issuer = an_issuer(tmp_path, "https://handrail.example.com")

    assert await issuer.tokens.mint(a_run(), a_stack()) == Minted()
    assert not (tmp_path / "oidc").exists()


async def test_a_token_without_an_issuer_is_a_sentence(tmp_path: Path) -> None:
    issuer = an_issuer(tmp_path, "https://handrail.example.com")
    issuer.tokens = replace(issuer.tokens, issuer=None)

    with pytest.raises(SecretUnavailable, match=r"names no issuer\. Write the bot's"):
        await issuer.token()


async def test_keys_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    issuer = an_issuer(tmp_path, "https://handrail.example.com")
    (tmp_path / "oidc").write_text("a file, where a folder should be")

    with pytest.raises(SecretUnavailable, match=r"^No token can be signed\. The"):
        await issuer.token()


async def test_documents_may_be_kept_for_five_minutes_and_are_read_only(
    issuer: Issuer,
) -> None:
    keys = f"{issuer.url}/.well-known/jwks.json"

    async with ClientSession() as session:
        head = await session.head(keys)
        refused = [await session.post(keys), await session.delete(keys)]
        elsewhere = await session.get(f"{issuer.url}/.well-known/")

    assert (head.status, await head.read()) == (200, b"")
    assert head.headers["Cache-Control"] == "public, max-age=300"
    assert [answer.status for answer in refused] == [405, 405]
    assert elsewhere.status == 404


async def test_a_key_set_that_cannot_be_read_says_nothing_of_where_it_is(
    issuer: Issuer, tmp_path: Path
) -> None:
    (tmp_path / "oidc").mkdir()
    (tmp_path / "oidc" / "keys.json").write_text("{")

    async with ClientSession() as session:
        answer = await session.get(f"{issuer.url}/.well-known/jwks.json")
        said = await answer.text()

    assert answer.status == 503
    assert "keys.json" not in said


async def test_a_key_set_that_cannot_be_read_is_told_in_the_log(
    issuer: Issuer, tmp_path: Path
) -> None:
    (tmp_path / "oidc").mkdir()
    (tmp_path / "oidc" / "keys.json").write_text("{")
    path = "/.well-known/jwks.json"

    with logged(str) as lines:
        async with ClientSession() as session, session.get(f"{issuer.url}{path}"):
            pass

    (line,) = map(json.loads, lines.getvalue().splitlines())
    assert line["event"] == "document cannot be made"
    assert line["path"] == path
    assert "keys.json" in line["error"]


async def test_an_issuer_below_a_path_is_found_there_and_at_the_root(
    tmp_path: Path, port: int
) -> None:
    issuer = an_issuer(tmp_path, f"http://127.0.0.1:{port}/handrail")

    async with served(issuer, port):
        claims = await issuer.verified(await issuer.token())
        root = await fetched(f"http://127.0.0.1:{port}/.well-known/jwks.json")

    assert claims["iss"] == issuer.url
    assert root["keys"]


async def test_with_signed_http_slack_and_clouds_share_one_address(
    tmp_path: Path, port: int
) -> None:
    issuer = an_issuer(tmp_path, f"http://127.0.0.1:{port}")
    app = AsyncApp(token="xoxb-1", signing_secret="a-signing-secret")

    served = signed_http(app, "127.0.0.1", port, routes(issuer), look=lambda: None)
    async with served:
        claims = await issuer.verified(await issuer.token())
        async with ClientSession() as session:
            unsigned = await session.post(f"{issuer.url}/slack/events", data="{}")

    assert claims["iss"] == issuer.url
    assert unsigned.status == 401


async def test_an_address_that_is_taken_is_a_sentence(port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(AddressUnavailable, match="another address in HANDRAIL_HTTP"),
    ):
        async with serving(application(()), "127.0.0.1", port):
            pass


async def test_aws_takes_a_token_instead_of_keys(
    issuer: Issuer, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = await cloud.add_role("deploy")
    # moto cannot check who shows a token; that AWS's own programs send it is seen.
    await cloud.check(everything=False)
    token = await issuer.token()
    (tmp_path / "token").write_text(token)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ROLE_ARN", role)
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "run-1")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))

    async with get_session().create_client("sts") as sts:
        answer = await sts.get_caller_identity()

    assert answer["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1"
    assert cloud.asked[0]["WebIdentityToken"] == token
