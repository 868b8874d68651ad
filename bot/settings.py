"""The bot's own settings, read once from its environment."""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from bot.domain.errors import HandrailError

SLACK_API: Final = "https://slack.com/api/"

#: Slack's tokens by how they begin: what each is, and where it belongs.
_TOKENS: Final = {
    "xoxb-": ("a bot token", "SLACK_BOT_TOKEN"),
    "xapp-": ("an app-level token", "SLACK_APP_TOKEN"),
    "xoxp-": ("a user token", ""),
    "xoxe": ("a token for app configuration", ""),
}

_FOUND_AT: Final = {
    "SLACK_BOT_TOKEN": "OAuth & Permissions",
    "SLACK_APP_TOKEN": "Basic Information, App-Level Tokens",
    "SLACK_SIGNING_SECRET": "Basic Information, App Credentials",
}


_POSTGRESQL: Final = ("postgres", "postgresql", "postgresql+asyncpg")
_MAKE_KEY: Final = "make one of 64 hex digits, as with `openssl rand -hex 32`"


class SettingsProblems(HandrailError):
    """The settings cannot be used; `problems` are sentences, none with a value."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Address(BaseModel):
    """Where HTTP is served. Port 0 is any that is free."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int


def _token(value: SecretStr, info: ValidationInfo) -> SecretStr:
    name = f"SLACK_{str(info.field_name).upper()}"
    text = value.get_secret_value()
    if re.fullmatch(re.escape(_prefix(name)) + r"[\w-]+", text, re.ASCII):
        return value
    begin = next((begin for begin in _TOKENS if text.startswith(begin)), "")
    kind, home = _TOKENS.get(begin, ("", ""))
    if home == name:
        raise ValueError(f"is cut or mixed up; copy it whole from {_place(name)}")
    stray = f"is {kind}" if kind else "is something else"
    move = f", which belongs in {home}" if home else ""
    raise ValueError(f"{stray}{move}; copy {_wanted(name)} from {_place(name)}")


def _prefix(name: str) -> str:
    return next(begin for begin, (_, home) in _TOKENS.items() if home == name)


def _wanted(name: str) -> str:
    return f"{_TOKENS[_prefix(name)][0]} ({_prefix(name)}…)"


def _place(name: str) -> str:
    return f"{_FOUND_AT[name]} in the app's settings at api.slack.com/apps"


def _signing_secret(value: SecretStr) -> SecretStr:
    if re.fullmatch(r"(?!xox|xapp-)[!-~]{8,}", value.get_secret_value()):
        return value
    raise ValueError(
        f"is not a signing secret; copy it from {_place('SLACK_SIGNING_SECRET')}"
    )


def _api_url(value: str) -> str:
    if re.fullmatch(r"https?://[^\s?#]+", value):
        return f"{value.rstrip('/')}/"
    raise ValueError(
        f"is not a web address; leave it out, or write one like {SLACK_API}"
    )


def _database_url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme in _POSTGRESQL:
        return _postgresql_url(rest)
    found = re.fullmatch(r"sqlite(?:\+aiosqlite)?:///([^?]+)", value)
    if found is None or found[1] == ":memory:":
        raise ValueError(
            "is neither a database file nor a PostgreSQL database; leave it out, or "
            "write sqlite:////var/lib/handrail/handrail.db or "
            "postgresql://user:password@host/handrail"
        )
    return f"sqlite+aiosqlite:///{found[1]}"


def _postgresql_url(rest: str) -> str:
    if find_spec("asyncpg") is None:
        raise ValueError(
            "names PostgreSQL, for which a package is missing. Install Handrail with "
            "the extra `postgres`: pip install 'handrail[postgres]'"
        )
    # asyncpg has its own name for what libpq calls sslmode.
    rest = re.sub(r"(?<=[?&])sslmode=", "ssl=", rest)
    if not re.fullmatch(r"[^/?\s]*/[^/?\s]+(\?\S*)?", rest):
        raise ValueError(
            "does not name a PostgreSQL database; write it as in "
            "postgresql://user:password@host/handrail"
        )
    return f"postgresql+asyncpg://{rest}"


def _seal_key(value: SecretStr) -> SecretStr:
    if re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
        return value
    raise ValueError(f"is not a key; {_MAKE_KEY}")


def _command(value: str) -> str:
    if re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        return value
    raise ValueError(
        "is not a slash command; write / and up to 31 lower-case letters, digits, "
        "dashes and underscores, as in /task"
    )


def _another_command(value: str, info: ValidationInfo) -> str:
    if value != info.data.get("command"):
        return _command(value)
    raise ValueError(
        "is the same as HANDRAIL_COMMAND; one Slack command cannot do both, so give "
        "one of them another name"
    )


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(map(ip_network, re.split(r"[\s,]+", value)))
    except ValueError as error:
        raise ValueError(
            "is not a list of networks; write them as in 10.0.0.0/8, fd00::/8"
        ) from error


def _address(value: object) -> object:
    if isinstance(value, Address):
        return value
    found = re.fullmatch(
        r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", str(value)
    )
    if found is None or int(found[2]) > 65535:
        raise ValueError("is not host:port; write it as in 127.0.0.1:3000")
    return Address(host=found[1].strip("[]"), port=int(found[2]))


def _docker_host(value: str) -> str:
    if re.fullmatch(r"(unix|tcp|ssh|https?|npipe)://\S+", value):
        return value
    raise ValueError(
        "is not where an engine listens; write it as in unix:///var/run/docker.sock or "
        "tcp://127.0.0.1:2375"
    )


def _opa(value: str) -> str:
    if re.fullmatch(r"https?://[^\s?#]+|unix:///\S+|[\w.+~ /-]*[\w+-]", value):
        return value
    raise ValueError(
        "is neither a program nor an address; write it as in /usr/local/bin/opa, "
        "http://127.0.0.1:8181 or unix:///run/opa.sock"
    )


class Settings(BaseModel):
    """What the bot is told by its environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot_token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        alias="SLACK_BOT_TOKEN"
    )
    #: Socket Mode is used iff there is one
    app_token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        default=None, alias="SLACK_APP_TOKEN"
    )
    signing_secret: Annotated[SecretStr, AfterValidator(_signing_secret)] | None = (
        Field(default=None, alias="SLACK_SIGNING_SECRET")
    )
    #: ends with a slash
    api_url: Annotated[str, AfterValidator(_api_url)] = Field(
        default=SLACK_API, alias="SLACK_API_URL"
    )
    config: Path = Field(default=Path("handrail.yaml"), alias="HANDRAIL_CONFIG")
    data_dir: Path = Field(alias="HANDRAIL_DATA_DIR")
    #: with the driver that the store uses; a password in it is not to be shown
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        alias="HANDRAIL_DATABASE_URL", repr=False
    )
    #: what seals the secrets that containers carry; None: made once, in the data_dir
    seal_key: Annotated[SecretStr, AfterValidator(_seal_key)] | None = Field(
        default=None, alias="HANDRAIL_SEAL_KEY"
    )
    command: Annotated[str, AfterValidator(_command)] = Field(
        default="/task", alias="HANDRAIL_COMMAND"
    )
    deploy_command: Annotated[str, AfterValidator(_another_command)] = Field(
        alias="HANDRAIL_DEPLOY_COMMAND"
    )
    http: Annotated[Address, BeforeValidator(_address)] = Field(
        default=Address(host="127.0.0.1", port=3000), alias="HANDRAIL_HTTP"
    )
    #: what these say in X-Forwarded-For is believed
    proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)
    ] = Field(default=(), alias="HANDRAIL_PROXIES")
    #: None: where an engine usually listens
    docker_host: Annotated[str, AfterValidator(_docker_host)] | None = Field(
        default=None, alias="DOCKER_HOST"
    )
    #: a program that is Open Policy Agent, or the address of one that runs
    opa: Annotated[str, AfterValidator(_opa)] | None = Field(
        default=None, alias="HANDRAIL_OPA"
    )

    @property
    def serves_api(self) -> bool:
        """Tell whether the API is served: only where an address was chosen for it."""
        return "http" in self.model_fields_set

    @property
    def has_replicas(self) -> bool:
        """Tell whether other processes may work on the same record."""
        return not self.database_url.startswith("sqlite")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings in *environ*, or raise SettingsProblems.

        White space around a value is not part of it; an empty one is not set.
        """
        given = {name: value.strip() for name, value in environ.items()}
        given = {name: given[name] for name in _NAMES if given.get(name)}
        given.setdefault("HANDRAIL_DEPLOY_COMMAND", "/deploy")
        given.setdefault("HANDRAIL_DATA_DIR", str(default_data_dir(environ)))
        given.setdefault(
            "HANDRAIL_DATABASE_URL",
            f"sqlite:///{given['HANDRAIL_DATA_DIR']}/handrail.db",
        )
        problems = [*_misspelt(environ), *_no_way_in(given), *_no_seal_key(given)]
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            problems += map(_sentence, error.errors())
        if problems:
            # Without the cause: pydantic's own words repeat the values.
            raise SettingsProblems(problems) from None
        return settings


_NAMES: Final = tuple(str(field.alias) for field in Settings.model_fields.values())


def _sentence(error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{name} is not set; copy {_wanted(name)} from {_place(name)}"
    return f"{name} {error['ctx']['error']}"


def _no_way_in(given: Mapping[str, str]) -> list[str]:
    if "SLACK_APP_TOKEN" in given or "SLACK_SIGNING_SECRET" in given:
        return []
    hint = (
        "SLACK_APP_TOKEN is not set, nor is SLACK_SIGNING_SECRET; for Socket Mode copy "
        f"{_wanted('SLACK_APP_TOKEN')} from {_place('SLACK_APP_TOKEN')}, for HTTP the "
        f"signing secret from {_FOUND_AT['SLACK_SIGNING_SECRET']}"
    )
    return [hint]


def _no_seal_key(given: Mapping[str, str]) -> list[str]:
    scheme = given["HANDRAIL_DATABASE_URL"].partition("://")[0]
    if scheme not in _POSTGRESQL or "HANDRAIL_SEAL_KEY" in given:
        return []
    hint = (
        "HANDRAIL_SEAL_KEY is not set; with PostgreSQL every replica needs the same "
        f"one, to mask what another began: {_MAKE_KEY}"
    )
    return [hint]


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """Name variables that nobody reads but that were surely meant for the bot."""
    return [
        f"{name} means nothing; did you mean {near[0]}?"
        for name in sorted(environ)
        if name.startswith(("HANDRAIL_", "SLACK_")) and name not in _NAMES
        if (near := get_close_matches(name, _NAMES, n=1, cutoff=0.9))
    ]


def stored_at(environ: Mapping[str, str]) -> str:
    """Return the database's URL, which needs no other setting to be right."""
    named = environ.get("HANDRAIL_DATABASE_URL", "").strip()
    if not named:
        named = f"sqlite:///{data_dir(environ)}/handrail.db"
    try:
        return _database_url(named)
    except ValueError as wrong:
        raise SettingsProblems([f"HANDRAIL_DATABASE_URL {wrong}"]) from wrong


def opa_at(environ: Mapping[str, str]) -> str | None:
    """Return where OPA is, which needs no other setting to be right; None: nowhere."""
    named = environ.get("HANDRAIL_OPA", "").strip()
    try:
        return _opa(named) if named else None
    except ValueError as wrong:
        raise SettingsProblems([f"HANDRAIL_OPA {wrong}"]) from wrong


def data_dir(environ: Mapping[str, str]) -> Path:
    """Return where Handrail keeps what it has to, as it was told or by default."""
    named = environ.get("HANDRAIL_DATA_DIR", "").strip()
    return Path(named) if named else default_data_dir(environ)


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where Handrail keeps what it has to, unless it is told."""
    if os.geteuid() == 0:
        return Path("/var/lib/handrail")
    # The XDG specification has relative paths ignored.
    shared = environ.get("XDG_DATA_HOME", "")
    if shared.startswith("/"):
        return Path(shared, "handrail")
    return Path(environ.get("HOME") or Path.home(), ".local/share/handrail")
