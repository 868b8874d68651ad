"""Secrets of the settings, as what needs them takes them."""

from pydantic import SecretStr


def revealed(secret: SecretStr | None) -> str | None:
    """Return what *secret* is, if there is one."""
    return None if secret is None else secret.get_secret_value()
