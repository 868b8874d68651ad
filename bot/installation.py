"""What an installation keeps of itself in its data directory."""

import os
from pathlib import Path
from secrets import token_bytes, token_hex


def installation_id(data_dir: Path) -> str:
    """Return what tells this installation's containers from others'; made once."""
    path = data_dir / "installation"
    if not path.exists():
        path.write_text(token_hex(4))
    return path.read_text().strip()


def seal_key(data_dir: Path, chosen: str | None = None) -> bytes:
    """Return what seals the secrets that containers carry.

    *chosen*, in hex, or else what is kept in *data_dir*, made once.
    """
    if chosen is not None:
        return bytes.fromhex(chosen)
    path = data_dir / "seal.key"
    if not path.exists():
        fresh = data_dir / f"seal.key.{token_hex(4)}"
        with open(fresh, "xb", opener=_for_owner_only) as file:
            file.write(token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_bytes()


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
