"""What an installation keeps of itself in its data directory."""

import os
from pathlib import Path
from secrets import token_bytes, token_hex


def installation_id(data_dir: Path) -> str:
    """Return what tells this installation's containers from others'; made once."""
    path = data_dir / "installation"
    if not path.exists():
        _keep(path, token_hex(4).encode())
    return path.read_text().strip()


def known_engine(data_dir: Path) -> str | None:
    """Return the last engine's name for itself; None: there was none yet."""
    path = data_dir / "engine-id"
    return path.read_text().strip() if path.exists() else None


def remember_engine(data_dir: Path, name: str) -> None:
    """Keep the engine's name for itself, for a start while it is away."""
    if name != known_engine(data_dir):
        _keep(data_dir / "engine-id", name.encode())


def seal_key(data_dir: Path, chosen: str | None = None) -> bytes:
    """Return what seals the secrets that containers carry.

    *chosen*, in hex, or else what is kept in *data_dir*, made once.
    """
    if chosen is not None:
        return bytes.fromhex(chosen)
    path = data_dir / "seal.key"
    if not path.exists():
        _keep(path, token_bytes(32))
    return path.read_bytes()


def _keep(path: Path, content: bytes) -> None:
    """Write *path* as a whole, or not at all: its disk may be full."""
    fresh = path.with_name(f"{path.name}.{token_hex(4)}")
    with open(fresh, "xb", opener=_for_owner_only) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
