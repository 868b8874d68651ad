"""A role in AWS, assumed for one run, so that no key of it is stored anywhere."""

import asyncio
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.errors import SecretUnavailable
from bot.domain.run import Run
from bot.domain.stack import AwsRole, Stack
from bot.ports import Minted

# An extra: who assumes no role needs none of it.
if TYPE_CHECKING:
    from types_aiobotocore_sts.type_defs import AssumeRoleRequestTypeDef

    from bot.credentials.sts import Sts

#: How long AWS may take in all, in seconds.
PATIENCE: Final = 10.0

#: what STS takes in the value of a session tag, and how long one may be
_TAG_KINDS: Final = ("L", "Z", "N")
_TAG_SIGNS: Final = "_.:/=+-@"
_TAG_LENGTH: Final = 256

_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


class AwsRoles:
    """Assumes a stack's role for each of its runs.

    The bot's own credentials are found as every AWS program finds them: in
    environment, profile, or the machine's role. So is the region of a stack that
    names none, of which *environ* is asked first.
    """

    def __init__(self, environ: Mapping[str, str], *, within: float = PATIENCE) -> None:
        self._region = environ.get("AWS_REGION") or None
        self._within = within
        self._sts: Sts | None = None

    async def mint(self, run: Run, stack: Stack) -> Minted:
        """Return the role's credentials, or raise SecretUnavailable.

        They are good for the role's duration, however long the run takes.
        """
        if stack.aws is None:
            return Minted()
        if self._sts is None:
            # Reading its modules takes seconds on a slow disk.
            self._sts = await asyncio.to_thread(_sts)
        keys = await self._sts.assume_role(
            _request(run, stack.aws),
            region=stack.aws.region or self._region,
            within=self._within,
        )
        return Minted(
            variables=_regions(stack, stack.aws),
            secret_variables={
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys["SessionToken"],
            },
        )


def session_name(run: Run) -> str:
    """Return what AWS's trail calls the run; STS wants two characters and more."""
    return f"run-{run.id}"


def tag_value(text: str) -> str:
    """Return *text* with what a session tag's value cannot hold made underscores."""
    return "".join(char if _fits(char) else "_" for char in text[:_TAG_LENGTH])


def _fits(char: str) -> bool:
    return char in _TAG_SIGNS or unicodedata.category(char).startswith(_TAG_KINDS)


def _sts() -> "Sts":
    try:
        from bot.credentials.sts import Sts  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise SecretUnavailable(
            "The stack has `aws`, for which the bot needs more than is installed. Run "
            "pip install 'handrail[aws]' where the bot is, and start it again."
        ) from error
    return Sts()


def _request(run: Run, role: AwsRole) -> "AssumeRoleRequestTypeDef":
    tags = {"handrail:stack": run.stack, "handrail:actor": run.actor.id}
    request: AssumeRoleRequestTypeDef = {
        "RoleArn": role.role_arn,
        "RoleSessionName": session_name(run),
        "DurationSeconds": int(role.duration / timedelta(seconds=1)),
        "Tags": [
            {"Key": key, "Value": tag_value(value)} for key, value in tags.items()
        ],
    }
    if role.external_id is not None:
        request["ExternalId"] = role.external_id
    return request


def _regions(stack: Stack, role: AwsRole) -> dict[str, str]:
    if role.region is None:
        return {}
    given = stack.env.keys() | stack.secrets.keys()
    return {name: role.region for name in _REGIONS if name not in given}
