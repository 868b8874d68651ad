"""The keys that sign the tokens of runs: made once, kept in one file, rotated."""

import fcntl
import json
import os
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bot.domain.errors import HandrailError

#: the one algorithm that AWS, Google Cloud, Azure and Vault all take
ALGORITHM: Final = "RS256"
#: how long what a key signed is good for, at most
LIFETIME: Final = timedelta(hours=1)
#: how long who verifies may keep a copy of the key set
COPY_LIFETIME: Final = timedelta(minutes=5)

#: A new key is in the key set for so long before it signs: copies have it by then.
_AHEAD: Final = 2 * COPY_LIFETIME
#: An old key stays in it for what it signed last, under a clock that is behind.
_BEHIND: Final = LIFETIME + timedelta(minutes=10)
_BITS: Final = 2048


class KeysUnusable(HandrailError):
    """The signing keys cannot be read or written; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key, and from when on it signs."""

    private: RSAPrivateKey
    signs_from: float  #: seconds since 1970

    @classmethod
    def made(cls, *, signs_from: float) -> Self:
        """Make a new key."""
        return cls(private=generate_private_key(65537, _BITS), signs_from=signs_from)

    @property
    def id(self) -> str:
        """Return the key's thumbprint, as RFC 7638 has it."""
        required = {name: self._numbers()[name] for name in ("e", "kty", "n")}
        canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
        return base64url(sha256(canonical.encode()).digest())

    @property
    def public(self) -> dict[str, str]:
        """Return the public part as a JSON Web Key."""
        return {**self._numbers(), "kid": self.id, "use": "sig", "alg": ALGORITHM}

    def sign(self, message: bytes) -> bytes:
        """Return the signature of *message*."""
        return self.private.sign(message, PKCS1v15(), SHA256())

    def _numbers(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


_Keys = tuple[SigningKey, ...]


class SigningKeys:
    """The keys in *folder*, for its owner alone; the first is made when needed.

    Every method reads the file if it changed: another process may have rotated.
    All of them block, and raise KeysUnusable.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._file = folder / "keys.json"
        self._clock = clock
        self._read: tuple[object, _Keys] = (None, ())

    def signing(self) -> SigningKey:
        """Return the key that signs now."""
        now = self._clock().timestamp()
        keys = self._present()
        # A clock that was set back must not leave a run without its token.
        return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])

    def key_set(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """Return the public parts of every key whose tokens may still be good."""
        return {"keys": [key.public for key in self._current(self._present())]}

    def rotate(self, *, at_once: bool = False) -> str:
        """Make a new key and return its id.

        It signs once the copies of the key set have it; the old ones stay in the
        set until what they signed is over. *at_once*, for a key that has leaked:
        it signs now, and what others signed is good no more.
        """
        with self._locked():
            old = () if at_once else self._current(self._stored())
            ahead = _AHEAD if old else timedelta(0)
            new = SigningKey.made(signs_from=(self._clock() + ahead).timestamp())
            self._write((*old, new))
        return new.id

    def _current(self, keys: _Keys) -> _Keys:
        now = self._clock().timestamp()
        successors = pairwise(keys)
        over = {
            key.id
            for key, successor in successors
            if successor.signs_from + _BEHIND.total_seconds() <= now
        }
        return tuple(key for key in keys if key.id not in over)

    def _present(self) -> _Keys:
        if keys := self._stored():
            return keys
        with self._locked():
            # Another process may have been first.
            if not self._stored():
                self._write((SigningKey.made(signs_from=0),))
        return self._stored()

    def _stored(self) -> _Keys:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unusable(error) from error
        # The file is never written in place, so another text is another inode.
        version = (status.st_ino, status.st_mtime_ns)
        if self._read[0] != version:
            self._read = (version, self._parsed())
        return self._read[1]

    def _parsed(self) -> _Keys:
        try:
            kept = json.loads(self._file.read_bytes())
            return tuple(_from_file(entry) for entry in kept["keys"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable(error) from error

    def _write(self, keys: _Keys) -> None:
        text = json.dumps({"keys": [_for_file(key) for key in keys]}, indent=1)
        # A temporary file is for its owner alone from the start.
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".keys-")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self._file)
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise self._unusable(error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            lock = (self._folder / "lock").open("w")
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _unusable(self, error: Exception) -> KeysUnusable:
        why = error.strerror if isinstance(error, OSError) else "is not as it was made"
        return KeysUnusable(
            f"The signing keys in {self._file} cannot be used ({why}). Let the user "
            "the bot runs as own that folder; if the file is damaged, remove it, and "
            "new keys are made."
        )


def base64url(data: bytes) -> str:
    """Return *data* as JSON Web Tokens spell it: URL alphabet, no padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _for_file(key: SigningKey) -> dict[str, object]:
    private = key.private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return {"signs_from": key.signs_from, "private": private.decode()}


def _from_file(entry: Mapping[str, object]) -> SigningKey:
    private = load_pem_private_key(str(entry["private"]).encode(), None)
    if not isinstance(private, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return SigningKey(private=private, signs_from=float(str(entry["signs_from"])))
