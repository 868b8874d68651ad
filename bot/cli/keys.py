"""`handrail key …`: API keys are made, listed and revoked by global admins."""

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.app import utc_now
from bot.catalog.load import load
from bot.cli.record import with_record
from bot.cli.spans import span
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ActorKind, Role, UserId
from bot.domain.stack import Catalog, StackName
from bot.store.database import Database
from bot.store.keys import SqlKeys

key_app = typer.Typer(help="The keys of the HTTP API.", no_args_is_help=True)

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)

By = Annotated[
    str, typer.Option("--by", help="Who does it: a user id among the `admins`.")
]
Name = Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes.")]


class KeyRole(StrEnum):
    """What a key may do on its stacks."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


@key_app.command("create")
def create(
    name: Name,
    by: By,
    *,
    role: Annotated[KeyRole, typer.Option(help="What it may do.")],
    stacks: Annotated[str, typer.Option(help="On which stacks, as in a,b.")] = "",
    all_stacks: Annotated[
        bool, typer.Option("--all-stacks", help="On every stack, also later ones.")
    ] = False,
    expires: Annotated[str, typer.Option(help="After how long, as in 30d.")] = "",
    networks: Annotated[
        list[str] | None,
        typer.Option("--from", help="From where alone, as in 10.0.0.0/8; repeatable."),
    ] = None,
) -> None:
    """Make a key, and print it: it is shown this once."""
    catalog = _catalog()
    secret = secrets.token_urlsafe(32)
    at = utc_now()
    key = ApiKey(
        name=_checked(name),
        id=secrets.token_hex(8),
        digest=hashlib.sha256(secret.encode()).hexdigest(),
        role=Role[role.name],
        stacks=_stacks(catalog, stacks, every=all_stacks),
        networks=_networks(networks or ()),
        made_by=_admin(catalog, by),
        made_at=at,
        expires_at=_end(at, expires),
    )

    async def make(database: Database) -> None:
        if not await SqlKeys(database).make(key):
            _refuse(
                f"There is a key {name} already, or was; names are not used twice. "
                "`handrail key list` shows them."
            )

    with_record(make)
    # Alone on stdout, so that it can be piped to where the CI keeps its secrets.
    typer.echo(f"hr_{key.id}_{secret}")
    typer.echo(
        f"{name}: {_reach(key)}, {_until(key, at)}. It is shown this once.", err=True
    )


@key_app.command("list")
def listed() -> None:
    """List every key that was ever made; never what opens with them."""

    async def show(database: Database) -> None:
        at = utc_now()
        for key in await SqlKeys(database).all():
            typer.echo(_line(key, at))

    with_record(show)


@key_app.command("revoke")
def revoke(name: Name, by: By) -> None:
    """Revoke a key: from now on it opens nothing."""
    admin = _admin(_catalog(), by)

    async def end(database: Database) -> None:
        if not await SqlKeys(database).revoke(name, admin, utc_now()):
            _refuse(
                f"There is no key {name} to be revoked; `handrail key list` shows them."
            )

    with_record(end)
    typer.echo(f"{name} is revoked.", err=True)


def _catalog() -> Catalog:
    named = os.environ.get("HANDRAIL_CONFIG", "").strip()
    return load(Path(named or "handrail.yaml"))


def _admin(catalog: Catalog, user: str) -> Actor:
    if UserId(user) not in catalog.admins:
        raise typer.BadParameter(
            f"{user} is not among the `admins` of handrail.yaml, and only they make "
            "and revoke keys.",
            param_hint="--by",
        )
    return Actor(kind=ActorKind.PERSON, id=user, team=catalog.workspace)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{name!r} is not a name; write up to 40 lower-case letters, digits and "
            "dashes, as in ci-net-prod",
            param_hint="NAME",
        )
    return name


def _stacks(
    catalog: Catalog, written: str, *, every: bool
) -> tuple[StackName, ...] | None:
    if every == bool(written):
        raise typer.BadParameter(
            "Say either on which stacks (--stacks a,b) or on all of them "
            "(--all-stacks).",
            param_hint="--stacks",
        )
    if every:
        return None
    names = [name.strip() for name in written.split(",")]
    return tuple(dict.fromkeys(catalog.stack(name).name for name in names))


def _networks(written: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(each.strip())) for each in written)
    except ValueError as wrong:
        raise typer.BadParameter(
            f"{wrong}; write an address or a network, as in 10.0.0.0/8",
            param_hint="--from",
        ) from wrong


def _end(at: datetime, written: str) -> datetime | None:
    if not written:
        return None
    length = span(written)
    if not length:
        raise typer.BadParameter(
            "A key lasts longer than that.", param_hint="--expires"
        )
    return at + length


def _refuse(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _line(key: ApiKey, at: datetime) -> str:
    used = "never used"
    if key.used_at is not None:
        used = f"used {_day(key.used_at)} from {key.used_from}"
    made = f"made {_day(key.made_at)} by {key.made_by.id}"
    return "\t".join([key.name, _reach(key), _until(key, at), made, used])


def _reach(key: ApiKey) -> str:
    stacks = "all stacks" if key.stacks is None else ", ".join(key.stacks)
    places = f" from {', '.join(key.networks)}" if key.networks else ""
    return f"{key.role.name.lower()} of {stacks}{places}"


def _until(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "without an end"
    return f"{'until' if key.is_valid(at) else 'expired'} {_day(key.expires_at)}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
