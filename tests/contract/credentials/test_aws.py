"""A role is assumed for one run, over real HTTP, and everybody can see for which."""

import socket
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.credentials.aws import AwsRoles
from bot.domain.errors import SecretUnavailable
from bot.domain.stack import AwsRole, FromEnv, Stack
from bot.ports import Minted
from tests.support.aws import ACCOUNT, REGION, Cloud, caller
from tests.support.bot import a_stack
from tests.support.builders import a_run

TROUBLE = (503, "<html>nobody home</html>")


def a_stack_in_aws(role_arn: str, **changes: Any) -> Stack:
    known = {"duration", "external_id", "region"} & changes.keys()
    role = AwsRole(role_arn=role_arn, **{name: changes.pop(name) for name in known})
    return a_stack(aws=role, **changes)


async def refusal(stack: Stack, **how: Any) -> str:
    with pytest.raises(SecretUnavailable) as refused:
        await AwsRoles({}, **how).mint(a_run(), stack)
    return str(refused.value)


async def test_a_run_is_its_own_session_of_the_stacks_role(cloud: Cloud) -> None:
    stack = a_stack_in_aws(await cloud.add_role("deploy"))

    minted = await AwsRoles({}).mint(a_run(number=7), stack)

    assert await caller(cloud, minted.secret_variables) == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-7"
    )


async def test_what_was_made_is_three_masked_variables_and_no_more(
    cloud: Cloud,
) -> None:
    stack = a_stack_in_aws(await cloud.add_role("deploy"))

    minted = await AwsRoles({}).mint(a_run(), stack)

    assert sorted(minted.secret_variables) == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ]
    assert not minted.variables
    assert not minted.files
    assert not any(value in repr(minted) for value in minted.secret_variables.values())


async def test_aws_is_told_stack_actor_and_how_long(cloud: Cloud) -> None:
    role = await cloud.add_role("deploy")
    stack = a_stack_in_aws(role, duration=timedelta(minutes=20))

    await AwsRoles({}).mint(a_run(by="ann"), stack)

    (asked,) = cloud.asked
    assert asked["RoleArn"] == role
    assert asked["DurationSeconds"] == "1200"
    assert tags(asked) == {"handrail:stack": "net-prod", "handrail:actor": "U0ANN"}
    assert "ExternalId" not in asked


def tags(asked: Mapping[str, str]) -> dict[str, str]:
    return {
        asked[f"Tags.member.{n}.Key"]: asked[f"Tags.member.{n}.Value"] for n in (1, 2)
    }


async def test_the_external_id_opens_a_role_that_asks_for_one(cloud: Cloud) -> None:
    role = await cloud.add_role("partner", external_id="acme-4711")

    minted = await AwsRoles({}).mint(
        a_run(), a_stack_in_aws(role, external_id="acme-4711")
    )
    refused = await refusal(a_stack_in_aws(role, external_id="acme-4712"))

    assert minted.secret_variables
    assert "under the external id if it asks for one" in refused


async def test_the_region_is_told_to_the_run_unless_the_stack_says_another(
    cloud: Cloud,
) -> None:
    role = await cloud.add_role("deploy")
    plain = a_stack_in_aws(role, region=REGION)
    other = a_stack_in_aws(
        role,
        region=REGION,
        env={"AWS_REGION": "us-east-1"},
        secrets={"AWS_DEFAULT_REGION": FromEnv(variable="X")},
    )

    minted = await AwsRoles({}).mint(a_run(), plain)
    told_otherwise = await AwsRoles({}).mint(a_run(), other)

    assert minted.variables == {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    assert not told_otherwise.variables


async def test_a_stack_without_a_role_asks_nobody(cloud: Cloud) -> None:
    minted = await AwsRoles({}).mint(a_run(), a_stack())

    assert minted == Minted()
    assert not cloud.asked


async def test_a_role_that_does_not_trust_the_bot_is_a_sentence_with_awss_words(
    cloud: Cloud,
) -> None:
    role = await cloud.add_role("deploy", trusts="somebody")

    said = await refusal(a_stack_in_aws(role))

    assert said.startswith(f"AWS gave no credentials for {role}: User: arn:aws:iam::")
    assert "is not authorized to perform: sts:AssumeRole" in said
    assert "Let the role's trust policy allow the bot sts:AssumeRole and" in said


async def test_a_key_that_aws_does_not_know_is_a_sentence(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODYKNOWSTHIS0")

    said = await refusal(a_stack_in_aws(await cloud.add_role("deploy")))

    assert "(InvalidClientTokenId)" in said
    assert said.endswith("that are good, where it starts.")


async def test_a_wrong_secret_key_is_a_sentence_without_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key-of-somebody-else")

    said = await refusal(a_stack_in_aws(await cloud.add_role("deploy")))

    assert "(SignatureDoesNotMatch)" in said
    assert "a-secret-key-of-somebody-else" not in said


async def test_a_bot_without_credentials_of_its_own_says_so(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    said = await refusal(a_stack_in_aws(await cloud.add_role("deploy")))

    assert "Unable to locate credentials. Check that the bot has AWS" in said
    assert not cloud.asked


async def test_a_role_that_is_none_is_a_sentence(cloud: Cloud) -> None:
    said = await refusal(a_stack_in_aws("nothing"))

    assert said.startswith("AWS could not be asked for nothing: Parameter validation")
    assert said.endswith(". Correct `aws` of the stack in handrail.yaml.")
    assert "\n" not in said


async def test_trouble_that_passes_is_not_told(cloud: Cloud) -> None:
    stack = a_stack_in_aws(await cloud.add_role("deploy"))
    cloud.faults = [TROUBLE, TROUBLE]

    minted = await AwsRoles({}).mint(a_run(), stack)

    assert minted.secret_variables
    assert len(cloud.asked) == 3


async def test_trouble_that_stays_ends_after_three_requests(cloud: Cloud) -> None:
    stack = a_stack_in_aws(await cloud.add_role("deploy"))
    cloud.faults = [TROUBLE] * 9

    said = await refusal(stack)

    assert "(503)" in said
    assert said.endswith("if it stays so, look at `aws` of the stack.")
    assert len(cloud.asked) == 3


async def test_an_answer_that_is_not_awss_is_a_sentence(cloud: Cloud) -> None:
    stack = a_stack_in_aws(await cloud.add_role("deploy"))
    cloud.faults = [(500, "a proxy's own words")] * 9

    said = await refusal(stack)

    assert said.startswith("AWS could not be asked for ")
    assert "a proxy's own words" not in said
    assert "\n" not in said


async def test_an_aws_that_is_not_there_is_a_sentence(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = "http://{}:{}".format(*server.getsockname())
    monkeypatch.setenv("AWS_ENDPOINT_URL", gone)

    said = await refusal(a_stack_in_aws(await cloud.add_role("deploy")))

    assert f'Could not connect to the endpoint URL: "{gone}/"' in said
    assert said.endswith("a region, and a way to AWS STS.")


async def test_an_aws_that_never_answers_is_given_up_in_time(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "http://{}:{}".format(*silent.getsockname())
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)

        said = await refusal(
            a_stack_in_aws(f"arn:aws:iam::{ACCOUNT}:role/deploy"), within=0.2
        )

    assert "within 0.2 s. Check that the bot reaches AWS STS" in said


async def test_the_nearest_region_that_is_named_is_asked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    role = await cloud.add_role("deploy")

    await AwsRoles({}).mint(a_run(), a_stack_in_aws(role))
    await AwsRoles({"AWS_REGION": "eu-north-1"}).mint(a_run(), a_stack_in_aws(role))
    await AwsRoles({"AWS_REGION": "eu-north-1"}).mint(
        a_run(), a_stack_in_aws(role, region="us-west-2")
    )

    assert cloud.regions == ["eu-central-1", "eu-north-1", "us-west-2"]


async def test_a_bot_without_the_extra_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "bot.credentials.sts", raising=False)
    monkeypatch.setitem(sys.modules, "aiobotocore.session", None)

    said = await refusal(a_stack_in_aws(f"arn:aws:iam::{ACCOUNT}:role/deploy"))

    assert "pip install 'handrail[aws]'" in said
