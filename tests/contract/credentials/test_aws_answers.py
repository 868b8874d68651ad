"""Whatever AWS answers and the bot's own keys come from: a sentence, no secret."""

import json
import sys
from pathlib import Path

import pytest

from bot.credentials.aws import AwsRoles
from bot.domain.errors import SecretUnavailable
from bot.domain.stack import AwsRole
from tests.support.aws import ACCOUNT, Cloud
from tests.support.bot import a_stack
from tests.support.builders import a_run

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
TOKEN = "FwoGZXIvYXdzEBYaDHunter2TokenOfTheBotsOwnSession"

#: as STS has it, shortened in the middle
BAD_SIGNATURE = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>
<Message>The request signature we calculated does not match the signature you \
provided. Check your AWS Secret Access Key and signing method. Consult the service \
documentation for details.

The Canonical String for this request should have been
'POST
/

host:sts.eu-west-1.amazonaws.com
x-amz-security-token:{TOKEN}

host;x-amz-security-token
0a0a'

The String-to-Sign should have been
'AWS4-HMAC-SHA256
20260101T000000Z'</Message></Error></ErrorResponse>"""

WITHOUT = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult>{}</AssumeRoleResult></AssumeRoleResponse>"""


async def refusal() -> str:
    with pytest.raises(SecretUnavailable) as refused:
        await AwsRoles({}).mint(a_run(), a_stack(aws=AwsRole(role_arn=ROLE)))
    said = str(refused.value)
    assert ROLE in said
    assert "\n" not in said
    return said


@pytest.fixture
def keyless(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Give AWS to a bot that has no keys in its environment."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    return cloud


@pytest.mark.parametrize("newline", ["\n", " "])
async def test_the_request_that_aws_repeats_is_not_told(
    cloud: Cloud, newline: str
) -> None:
    cloud.faults = [(403, BAD_SIGNATURE.replace("\n", newline))]

    said = await refusal()

    assert said == (
        f"AWS gave no credentials for {ROLE}: The request signature we calculated does "
        "not match the signature you provided. Check your AWS Secret Access Key and "
        "signing method. Consult the service documentation for details "
        "(SignatureDoesNotMatch). Give the bot AWS credentials of its own that are "
        "good, where it starts."
    )


async def test_no_more_than_two_lines_of_a_message_are_told(cloud: Cloud) -> None:
    lines = "one\n\ntwo\nthree"
    message = f"<Error><Code>Odd</Code><Message>{lines}</Message></Error>"
    cloud.faults = [(400, f"<ErrorResponse>{message}</ErrorResponse>")]

    assert f"{ROLE}: one two (Odd). " in await refusal()


@pytest.mark.parametrize(
    "result",
    ["", "<Credentials/>", "<Credentials><AccessKeyId>A</AccessKeyId></Credentials>"],
)
async def test_an_answer_without_credentials_is_a_sentence(
    cloud: Cloud, result: str
) -> None:
    cloud.faults = [(200, WITHOUT.format(result))]

    assert await refusal() == (
        f"AWS gave no credentials for {ROLE}: its answer holds none. Check that the "
        "endpoint that the bot asks is that of AWS STS."
    )


async def test_a_token_file_that_is_missing_is_named(
    keyless: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)

    said = await refusal()

    assert "/no/such/token: No such file or directory. Check the AWS_… " in said


async def test_a_token_file_of_a_container_that_is_missing_is_named(
    keyless: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/no/such/token")

    said = await refusal()

    assert "/no/such/token: No such file or directory. Check the AWS_… " in said


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("AWS_ENDPOINT_URL_STS", "no address of hunter2"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://hunter2.example.com/"),
    ],
)
async def test_an_address_that_is_none_is_a_sentence_without_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    if "CONTAINER" in name:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv(name, address)

    said = await refusal()

    assert "the bot's own settings do not work (ValueError). Check the AWS_… " in said
    assert "hunter2" not in said
    assert not cloud.asked


async def test_the_password_of_a_proxy_is_not_told(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://bot:hunter2@127.0.0.1:1")

    said = await refusal()

    assert "Failed to connect to proxy URL" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("prints", "told"),
    [
        ("not JSON: hunter2", "do not work (JSONDecodeError). Check the AWS_… "),
        ("[1, 2]", "do not work (AttributeError). Check the AWS_… "),
        ('{"Version": 2, "hunter2": 1}', "the program of `credential_process` failed"),
        (
            json.dumps(
                {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hunter2"}
                | {"SessionToken": "T", "Expiration": "2001-01-01T00:00:00Z"}
            ),
            "do not work (RuntimeError). Check the AWS_… ",
        ),
    ],
)
async def test_a_program_that_prints_no_credentials_is_a_sentence(
    keyless: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    prints: str,
    told: str,
) -> None:
    (tmp_path / "prints").write_text(prints)
    profile(tmp_path, monkeypatch, f"cat {tmp_path / 'prints'}")

    said = await refusal()

    assert told in said
    assert "hunter2" not in said


async def test_what_a_failing_program_complains_of_is_not_told(
    keyless: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "keys.py"
    script.write_text("import sys; sys.exit('token hunter2 has expired')")
    profile(tmp_path, monkeypatch, f"{sys.executable} {script}")

    assert await refusal() == (
        f"AWS could not be asked for {ROLE}: the program of `credential_process` "
        "failed. Run it by hand, as the user the bot runs as, to see why, or correct "
        "`credential_process` in the profile that the bot starts with."
    )


async def test_a_program_that_is_missing_is_named(
    keyless: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile(tmp_path, monkeypatch, "no-such-program --token=hunter2")

    said = await refusal()

    assert "no-such-program: No such file or directory. Check the AWS_… " in said
    assert "hunter2" not in said


async def test_what_the_metadata_of_a_container_answer_is_not_told(
    keyless: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless.faults = [(404, "hunter2")] * 9
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{keyless.address}/keys")

    said = await refusal()

    assert "container-role gave no credentials. Check that the bot has AWS" in said
    assert "hunter2" not in said


def profile(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    config = folder / "config"
    config.write_text(f"[default]\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
