"""The bot's own settings, and what is said about bad ones."""

from pathlib import Path

import pytest

from bot.settings import Address, Settings, SettingsProblems

GOOD = {"SLACK_BOT_TOKEN": "xoxb-1-secret", "SLACK_APP_TOKEN": "xapp-1-secret"}
FROM_THE_APP = "in the app's settings at api.slack.com/apps"
FILE = "sqlite:////var/lib/handrail/handrail.db"


NO_DATABASE = (
    "is neither a database file nor a PostgreSQL database; leave it out, or write "
    f"{FILE} or postgresql://user:password@host/handrail"
)
KEY = "0123456789abcdef" * 4


def told(**changes: str) -> tuple[str, ...]:
    """Return the problems of good settings with *changes*; an empty one is unset."""
    with pytest.raises(SettingsProblems) as refused:
        Settings.read(GOOD | changes)
    return refused.value.problems


def test_two_tokens_are_all_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)

    settings = Settings.read(GOOD)

    assert settings.bot_token.get_secret_value() == "xoxb-1-secret"
    assert settings.app_token is not None
    assert settings.app_token.get_secret_value() == "xapp-1-secret"
    assert settings.model_dump(exclude={"bot_token", "app_token"}) == {
        "signing_secret": None,
        "api_url": "https://slack.com/api/",
        "config": Path("handrail.yaml"),
        "data_dir": Path("/var/lib/handrail"),
        "database_url": "sqlite+aiosqlite:////var/lib/handrail/handrail.db",
        "command": "/task",
        "deploy_command": "/deploy",
        "http": {"host": "127.0.0.1", "port": 3000},
        "proxies": (),
        "docker_host": None,
        "opa": None,
        "seal_key": None,
    }
    assert not settings.has_replicas


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("postgres://ann:pw@db/handrail", "postgresql+asyncpg://ann:pw@db/handrail"),
        (
            "postgresql://db/handrail?sslmode=require",
            "postgresql+asyncpg://db/handrail?ssl=require",
        ),
        (
            "postgresql+asyncpg://postgres@/handrail?host=/run/postgresql",
            "postgresql+asyncpg://postgres@/handrail?host=/run/postgresql",
        ),
    ],
)
def test_postgresql_is_named_as_its_own_tools_name_it(
    written: str, understood: str
) -> None:
    given = {"HANDRAIL_DATABASE_URL": written, "HANDRAIL_SEAL_KEY": KEY}

    settings = Settings.read(GOOD | given)

    assert settings.database_url == understood
    assert settings.has_replicas
    assert "pw" not in repr(settings)


def test_replicas_need_one_key_to_seal_with() -> None:
    assert told(HANDRAIL_DATABASE_URL="postgresql://db/handrail") == (
        (
            "HANDRAIL_SEAL_KEY is not set; with PostgreSQL every replica needs the "
            "same one, to mask what another began: make one of 64 hex digits, as with "
            "`openssl rand -hex 32`"
        ),
    )
    unnamed = {"HANDRAIL_DATABASE_URL": "postgresql://ann:hunter2@db"}
    assert told(**unnamed, HANDRAIL_SEAL_KEY=KEY) == (
        (
            "HANDRAIL_DATABASE_URL does not name a PostgreSQL database; write it as "
            "in postgresql://user:password@host/handrail"
        ),
    )
    assert told(HANDRAIL_SEAL_KEY="hunter2") == (
        (
            "HANDRAIL_SEAL_KEY is not a key; make one of 64 hex digits, as with "
            "`openssl rand -hex 32`"
        ),
    )


def test_every_variable_arrives() -> None:
    settings = Settings.read(
        {
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_SIGNING_SECRET": "0123456789abcdef",
            "SLACK_API_URL": "http://127.0.0.1:8080/api",
            "HANDRAIL_CONFIG": "/etc/handrail.yaml",
            "HANDRAIL_DATA_DIR": "/data",
            "HANDRAIL_DATABASE_URL": "sqlite:///own.db",
            "HANDRAIL_COMMAND": "/handrail-task",
            "HANDRAIL_DEPLOY_COMMAND": "/handrail-deploy",
            "HANDRAIL_HTTP": "[::1]:0",
            "HANDRAIL_PROXIES": "10.0.0.0/8, fd00::/8 192.0.2.1",
            "DOCKER_HOST": "unix:///run/podman/podman.sock",
            "HANDRAIL_OPA": "/usr/local/bin/opa",
        }
    )

    assert settings.app_token is None
    assert settings.signing_secret is not None
    assert settings.api_url == "http://127.0.0.1:8080/api/"
    assert settings.config == Path("/etc/handrail.yaml")
    assert settings.data_dir == Path("/data")
    assert settings.database_url == "sqlite+aiosqlite:///own.db"
    assert settings.command == "/handrail-task"
    assert settings.deploy_command == "/handrail-deploy"
    assert settings.http == Address(host="::1", port=0)
    assert [str(network) for network in settings.proxies] == [
        "10.0.0.0/8",
        "fd00::/8",
        "192.0.2.1/32",
    ]
    assert settings.docker_host == "unix:///run/podman/podman.sock"
    assert settings.opa == "/usr/local/bin/opa"


@pytest.mark.parametrize(
    "opa",
    [
        "opa",
        "./opa-1.4",
        "http://127.0.0.1:8181",
        "https://opa.example/base",
        "unix:///run/opa.sock",
    ],
)
def test_opa_is_a_program_or_an_address(opa: str) -> None:
    settings = Settings.read(GOOD | {"HANDRAIL_OPA": opa})

    assert settings.opa == opa


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.local/share/handrail"),
        ({"HOME": "/home/ann", "XDG_DATA_HOME": "/share"}, "/share/handrail"),
        ({"HOME": "/h", "XDG_DATA_HOME": "share"}, "/h/.local/share/handrail"),
    ],
)
def test_a_user_other_than_root_keeps_data_at_home(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], directory: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    settings = Settings.read(GOOD | environ)

    assert settings.data_dir == Path(directory)
    assert settings.database_url == f"sqlite+aiosqlite:///{directory}/handrail.db"


def test_white_space_around_a_token_is_not_part_of_it() -> None:
    settings = Settings.read(GOOD | {"SLACK_BOT_TOKEN": " xoxb-1\n"})

    assert settings.bot_token.get_secret_value() == "xoxb-1"


def test_nothing_set_is_told_with_where_to_get_it() -> None:
    assert told(SLACK_BOT_TOKEN="", SLACK_APP_TOKEN=" ") == (
        (
            "SLACK_APP_TOKEN is not set, nor is SLACK_SIGNING_SECRET; for Socket Mode "
            "copy an app-level token (xapp-…) from Basic Information, App-Level Tokens "
            f"{FROM_THE_APP}, for HTTP the signing secret from Basic Information, App "
            "Credentials"
        ),
        (
            "SLACK_BOT_TOKEN is not set; copy a bot token (xoxb-…) from OAuth & "
            f"Permissions {FROM_THE_APP}"
        ),
    )


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("xapp-1", "is an app-level token, which belongs in SLACK_APP_TOKEN; copy a "),
        ("xoxp-1", "is a user token; copy a "),
        ("hunter2", "is something else; copy a "),
    ],
)
def test_a_token_of_another_kind_is_named_as_what_it_is(token: str, said: str) -> None:
    assert told(SLACK_BOT_TOKEN=token) == (
        (
            f"SLACK_BOT_TOKEN {said}bot token (xoxb-…) from OAuth & Permissions "
            f"{FROM_THE_APP}"
        ),
    )


def test_a_token_that_was_not_copied_whole_is_told() -> None:
    assert told(SLACK_APP_TOKEN="xapp-1 xapp-2") == (
        (
            "SLACK_APP_TOKEN is cut or mixed up; copy it whole from Basic Information, "
            f"App-Level Tokens {FROM_THE_APP}"
        ),
    )


@pytest.mark.parametrize("secret", ["xoxb-0123456789", "short", "with a blank in it"])
def test_what_is_no_signing_secret_is_told(secret: str) -> None:
    assert told(SLACK_SIGNING_SECRET=secret) == (
        (
            "SLACK_SIGNING_SECRET is not a signing secret; copy it from Basic "
            f"Information, App Credentials {FROM_THE_APP}"
        ),
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "SLACK_API_URL",
            "slack.com",
            (
                "is not a web address; leave it out, or write one like "
                "https://slack.com/api/"
            ),
        ),
        (
            "HANDRAIL_DATABASE_URL",
            "sqlite:///:memory:",
            NO_DATABASE,
        ),
        (
            "HANDRAIL_DATABASE_URL",
            "mysql://x",
            NO_DATABASE,
        ),
        (
            "HANDRAIL_COMMAND",
            "task",
            (
                "is not a slash command; write / and up to 31 lower-case letters, "
                "digits, dashes and underscores, as in /task"
            ),
        ),
        (
            "HANDRAIL_HTTP",
            "3000",
            "is not host:port; write it as in 127.0.0.1:3000",
        ),
        (
            "HANDRAIL_HTTP",
            "localhost:70000",
            "is not host:port; write it as in 127.0.0.1:3000",
        ),
        (
            "HANDRAIL_DEPLOY_COMMAND",
            "deploy",
            (
                "is not a slash command; write / and up to 31 lower-case letters, "
                "digits, dashes and underscores, as in /task"
            ),
        ),
        (
            "HANDRAIL_DEPLOY_COMMAND",
            "/task",
            (
                "is the same as HANDRAIL_COMMAND; one Slack command cannot do both, "
                "so give one of them another name"
            ),
        ),
        (
            "HANDRAIL_PROXIES",
            "10.0.0.0/8, proxy.example",
            "is not a list of networks; write them as in 10.0.0.0/8, fd00::/8",
        ),
        (
            "HANDRAIL_PROXIES",
            "10.0.0.1/8",
            "is not a list of networks; write them as in 10.0.0.0/8, fd00::/8",
        ),
        (
            "DOCKER_HOST",
            "/var/run/docker.sock",
            (
                "is not where an engine listens; write it as in "
                "unix:///var/run/docker.sock or tcp://127.0.0.1:2375"
            ),
        ),
        (
            "HANDRAIL_OPA",
            "ftp://opa.example",
            (
                "is neither a program nor an address; write it as in "
                "/usr/local/bin/opa, http://127.0.0.1:8181 or unix:///run/opa.sock"
            ),
        ),
    ],
)
def test_a_bad_value_is_told_with_what_to_write_instead(
    name: str, value: str, said: str
) -> None:
    assert told(**{name: value}) == (f"{name} {said}",)


def test_the_commands_differ_also_where_one_has_its_default() -> None:
    assert told(HANDRAIL_COMMAND="/deploy") == (
        (
            "HANDRAIL_DEPLOY_COMMAND is the same as HANDRAIL_COMMAND; one Slack "
            "command cannot do both, so give one of them another name"
        ),
    )


def test_the_api_is_served_only_where_an_address_was_chosen() -> None:
    assert not Settings.read(GOOD).serves_api
    assert Settings.read(GOOD | {"HANDRAIL_HTTP": "127.0.0.1:3000"}).serves_api


def test_a_misspelt_variable_is_not_passed_over() -> None:
    assert told(HANDRAIL_DATABSE_URL="x") == (
        "HANDRAIL_DATABSE_URL means nothing; did you mean HANDRAIL_DATABASE_URL?",
    )


def test_every_problem_is_told_at_once() -> None:
    assert len(told(SLACK_BOT_TOKEN="x", HANDRAIL_HTTP="x", DOCKER_HOST="x")) == 3


def test_no_value_of_a_token_is_ever_shown() -> None:
    settings = Settings.read(GOOD | {"SLACK_SIGNING_SECRET": "secret-secret"})
    refused = told(
        SLACK_BOT_TOKEN="secret", SLACK_APP_TOKEN="xapp secret", HANDRAIL_HTTP="secret"
    )

    assert "secret" not in repr(settings).replace("signing_secret", "")
    assert "secret" not in str(settings).replace("signing_secret", "")
    assert "secret" not in " ".join(refused)


def test_the_cause_of_the_problems_does_not_carry_their_values() -> None:
    with pytest.raises(SettingsProblems) as refused:
        Settings.read({"SLACK_BOT_TOKEN": "hunter2"})

    assert (refused.value.__cause__, refused.value.__context__) == (None, None)


def test_settings_do_not_change() -> None:
    settings = Settings.read(GOOD)

    with pytest.raises(ValueError, match="frozen"):
        settings.command = "/other"
