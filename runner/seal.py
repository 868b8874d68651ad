"""Secrets as a container carries them: nobody reads or changes them without the key."""

import asyncio
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runner.engine import Container
from runner.errors import SealBroken
from runner.masking.masker import Masks
from runner.masking.secrets import Secret

_NONCE: Final = 12  #: bytes: 96 random bits (NIST SP 800-38D §8.2.2)


class Seal:
    """Seals with *key*, which has 32 bytes (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def closed(self, secrets: Iterable[Secret], about: str) -> bytes:
        """Return *secrets*, sealed for what *about* names."""
        pairs = [[one.name, b64encode(one.value).decode()] for one in secrets]
        nonce = os.urandom(_NONCE)
        plain = json.dumps(pairs).encode()
        return nonce + self._cipher.encrypt(nonce, plain, about.encode())

    def opened(self, sealed: bytes, about: str) -> tuple[Secret, ...]:
        """Return what was sealed for *about*, or raise SealBroken."""
        nonce, closed = sealed[:_NONCE], sealed[_NONCE:]
        try:
            plain = self._cipher.decrypt(nonce, closed, about.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                "what is to be masked in the container cannot be read: it was sealed "
                "with another key, or changed since"
            ) from error
        return tuple(
            Secret(name, b64decode(value)) for name, value in json.loads(plain)
        )


class Carried:
    """What *masks* hide of one container, and how much of it the container carries."""

    def __init__(
        self,
        container: Container,
        masks: Masks,
        seal: Seal,
        about: str,
        *,
        carries: tuple[Secret, ...] = (),
    ) -> None:
        """Take note that it *carries* what it was created with."""
        self._container = container
        self._masks = masks
        self._seal = seal
        self._about = about
        self._secrets = carries
        self._recalled: tuple[Secret, ...] = ()
        self._is_lost = False

    @property
    def masks(self) -> Masks:
        """What hides."""
        return self._masks

    @property
    def recalled(self) -> tuple[Secret, ...]:
        """What is hidden because the container carried it."""
        return self._recalled

    @property
    def is_lost(self) -> bool:
        """Whether nobody can know any more what is to be hidden of the container."""
        return self._is_lost

    @property
    def missing(self) -> tuple[Secret, ...]:
        """What is hidden and the container does not carry."""
        return self._masks.secrets[len(self._secrets) :]

    async def renew(self) -> None:
        """Let the container carry all that is hidden now."""
        if self._is_lost:
            # A new seal would say that there was never more to be hidden.
            raise SealBroken("what is to be masked in the container is not known")
        secrets = self._masks.secrets
        await self._container.keep(self._seal.closed(secrets, self._about))
        self._secrets = secrets

    async def recall(self) -> None:
        """Hide what the container carries; raise a RunnerError where it is unknown."""
        sealed = await self._container.kept()
        opened = self._seal.opened(sealed, self._about)
        self._recalled = await asyncio.to_thread(self._masks.learn, opened)
        self._secrets = self._masks.secrets

    def lose(self) -> None:
        """Take note that what the container carries cannot be known any more."""
        self._is_lost = True


def about(run: str, installation: str) -> str:
    """Name the container of *run*, for which its secrets are sealed."""
    return f"{installation}/{run}"
