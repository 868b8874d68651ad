"""Signed HTTP delivery: each payload a POST, as to an app without sockets."""

import hashlib
import hmac
import json
import time
from typing import Final
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.delivery import Acknowledgement, Kind, Parcel
from bot.sandbox.values import Payload

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


class SignedHttp:
    """Posts parcels to one address, signed with the app's secret."""

    def __init__(self, url: str, secret: str, *, deadline: float) -> None:
        self._url = url
        self._secret = secret
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=deadline)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def verify(self) -> None:
        """Ask the address for the `url_verification` challenge, or refuse it."""
        challenge = hashlib.sha256(self._url.encode()).hexdigest()
        body = {"type": "url_verification", "challenge": challenge}
        answer = await self._post(json.dumps(body).encode(), _JSON, {})
        said = answer.payload or {}
        if challenge not in (said.get("challenge"), said.get("text")):
            raise ValueError(f"{self._url} did not answer the challenge")

    async def check_certificate(self) -> Acknowledgement:
        """Send the `ssl_check` that Slack sends to public apps."""
        return await self._post(b"ssl_check=1", _FORM, {})

    async def send(self, parcel: Parcel) -> Acknowledgement:
        """Post *parcel* and take a 2xx within the deadline as acknowledged."""
        body, kind = _encoded(parcel)
        headers = {}
        if parcel.attempt:
            headers["X-Slack-Retry-Num"] = str(parcel.attempt)
            headers["X-Slack-Retry-Reason"] = parcel.reason
        outcome = await self._post(body, kind, headers)
        if outcome.ok or parcel.kind is Kind.EVENT:
            return outcome
        late = outcome.error == "http_timeout"
        error = "operation_timeout" if late else "dispatch_failed"
        return Acknowledgement(ok=False, error=error)

    async def _post(
        self, body: bytes, kind: str, headers: dict[str, str]
    ) -> Acknowledgement:
        signed = {**headers, **self._signature(body), "Content-Type": kind}
        try:
            async with self._session.post(
                self._url, data=body, headers=signed
            ) as response:
                text = await response.text()
        except TimeoutError:
            return Acknowledgement(ok=False, error="http_timeout")
        except aiohttp.ClientError:
            return Acknowledgement(ok=False, error="connection_failed")
        if response.ok:
            return Acknowledgement(ok=True, payload=_decoded(text))
        again = response.headers.get("X-Slack-No-Retry") != "1"
        return Acknowledgement(ok=False, error="http_error", retry=again)

    def _signature(self, body: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        signed = b"v0:" + now.encode() + b":" + body
        digest = hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": f"v0={digest}",
        }


def _encoded(parcel: Parcel) -> tuple[bytes, str]:
    match parcel.kind:
        case Kind.EVENT:
            return json.dumps(parcel.payload).encode(), _JSON
        case Kind.SLASH:
            return urlencode(parcel.payload).encode(), _FORM
        case Kind.INTERACTIVE:
            return urlencode({"payload": json.dumps(parcel.payload)}).encode(), _FORM


def _decoded(text: str) -> Payload | None:
    if not text:
        return None
    try:
        decoded = json.loads(text)
    except ValueError:
        return {"text": text}
    return decoded if isinstance(decoded, dict) else {"text": text}
