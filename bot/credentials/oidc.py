"""A signed token per run, which clouds take in exchange for their own credentials."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from bot.credentials.keys import (
    ALGORITHM,
    LIFETIME,
    KeysUnusable,
    SigningKey,
    SigningKeys,
    base64url,
)
from bot.domain.errors import SecretUnavailable
from bot.domain.run import Run
from bot.domain.stack import OidcIssuer, Stack
from bot.ports import Minted
from runner.driver import SECRETS
from runner.job import WorkspaceFile

VARIABLE: Final = "HANDRAIL_OIDC_TOKEN"
FILE_VARIABLE: Final = "HANDRAIL_OIDC_TOKEN_FILE"
TOKEN_FILE: Final = f"{SECRETS}/oidc-token"

#: where OpenID Connect Discovery 1.0 has a verifier look first, below the issuer
CONFIGURATION: Final = "/.well-known/openid-configuration"
KEY_SET: Final = "/.well-known/jwks.json"

#: for a verifier whose clock is behind
_EARLIER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcTokens:
    """Signs a token for every run of a stack that asks for one."""

    issuer: OidcIssuer | None
    keys: SigningKeys
    clock: Callable[[], datetime]

    async def mint(self, run: Run, stack: Stack) -> Minted:
        """Return the token in a variable and in a file, or raise SecretUnavailable."""
        if stack.oidc is None:
            return Minted()
        if self.issuer is None:
            raise SecretUnavailable(
                "The stack has `oidc`, but handrail.yaml names no issuer. Write the "
                "bot's public address there, as in oidc: {issuer: "
                '"https://handrail.example.com"}.'
            )
        claims = _claims(run, stack.oidc.audiences, self.issuer.issuer, self.clock())
        try:
            token = await asyncio.to_thread(self._signed, claims)
        except KeysUnusable as error:
            raise SecretUnavailable(f"No token can be signed. {error}") from error
        return Minted(
            variables={FILE_VARIABLE: TOKEN_FILE},
            secret_variables={VARIABLE: token},
            files=(WorkspaceFile(path=TOKEN_FILE, content=token.encode()),),
        )

    def _signed(self, claims: Mapping[str, object]) -> str:
        return signed(claims, self.keys.signing())


def signed(claims: Mapping[str, object], key: SigningKey) -> str:
    """Return *claims* as a JSON Web Token, as RFC 7515 has it."""
    header = {"alg": ALGORITHM, "kid": key.id, "typ": "JWT"}
    parts = (json.dumps(part, separators=(",", ":")) for part in (header, claims))
    message = ".".join(base64url(part.encode()) for part in parts)
    return f"{message}.{base64url(key.sign(message.encode()))}"


def documents(
    issuer: OidcIssuer, keys: SigningKeys
) -> Mapping[str, Callable[[], Mapping[str, object]]]:
    """Return what to serve for *issuer*, by path; each is made anew when asked for.

    An issuer with a path has its documents below it, and at the root too, for a
    proxy that takes the path away.
    """

    def configuration() -> Mapping[str, object]:
        return _configuration(issuer.issuer)

    below = urlsplit(issuer.issuer).path
    return {
        prefix + path: document
        for prefix in dict.fromkeys((below, ""))
        for path, document in (
            (CONFIGURATION, configuration),
            (KEY_SET, keys.key_set),
        )
    }


def _claims(
    run: Run, audiences: tuple[str, ...], issuer: str, now: datetime
) -> dict[str, object]:
    at = int(now.timestamp())
    return {
        "iss": issuer,
        # Several verifiers take a list with one entry for no match.
        "aud": audiences[0] if len(audiences) == 1 else list(audiences),
        # A stack's name has no colon, so nobody can name a stack into another sub.
        "sub": f"stack:{run.stack}:run_type:{run.type}:scope:write",
        "jti": uuid4().hex,
        "iat": at,
        "nbf": at - int(_EARLIER.total_seconds()),
        "exp": at + int(LIFETIME.total_seconds()),
        "run_id": str(run.id),
        "run_type": str(run.type),
        "stack": run.stack,
        "actor": run.actor.id,
        "actor_kind": str(run.actor.kind),
        "actor_team": run.actor.team,
    }


def _configuration(issuer: str) -> dict[str, object]:
    # What AWS asks of an identity provider; nobody signs in here, so there is
    # neither an authorization nor a token endpoint.
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}{KEY_SET}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
        "claims_supported": [
            "iss",
            "aud",
            "sub",
            "jti",
            "iat",
            "nbf",
            "exp",
            "run_id",
            "run_type",
            "stack",
            "actor",
            "actor_kind",
            "actor_team",
        ],
    }
