"""AWS's Security Token Service: asked for a role, its answer put into words.

The one module that needs the extra `aws`.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from bot.domain.errors import SecretUnavailable

if TYPE_CHECKING:
    from types_aiobotocore_sts.type_defs import (
        AssumeRoleRequestTypeDef,
        CredentialsTypeDef,
    )

_CONFIG: Final = AioConfig(
    connect_timeout=3,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
)

#: the longest message that is told; AWS repeats the request where a signature is bad
_TOLD: Final = 600

_BAD_KEYS: Final = (
    "Give the bot AWS credentials of its own that are good, where it starts."
)
_BAD_ROLE: Final = "Correct `aws` of the stack in handrail.yaml."
_NO_WAY: Final = (
    "Check that the bot has AWS credentials of its own where it starts, a region, and "
    "a way to AWS STS."
)
#: by AWS's own code
_ADVICE: Final = {
    "AccessDenied": "Let the role's trust policy allow the bot sts:AssumeRole and "
    "sts:TagSession, under the external id if it asks for one, and let the bot's own "
    "identity assume the role.",
    "ExpiredToken": _BAD_KEYS,
    "InvalidClientTokenId": _BAD_KEYS,
    "SignatureDoesNotMatch": _BAD_KEYS,
    "UnrecognizedClientException": _BAD_KEYS,
    "RegionDisabledException": "Let the account use STS in that region, or name "
    "another region in `aws` of the stack.",
    "ValidationError": _BAD_ROLE,
}
_OTHER: Final = "Run the command again; if it stays so, look at `aws` of the stack."


class Sts:
    """Asks STS as the bot itself."""

    def __init__(self) -> None:
        # It keeps the bot's own credentials until they are to be renewed.
        self._session = get_session()

    async def assume_role(
        self,
        request: "AssumeRoleRequestTypeDef",
        *,
        region: str | None,
        within: float,
    ) -> "CredentialsTypeDef":
        """Return the credentials of a role, or raise SecretUnavailable.

        The *region*'s own endpoint is asked; None: what botocore is configured to.
        Retries included, it has *within* seconds.
        """
        role = request["RoleArn"]
        try:
            async with (
                asyncio.timeout(within),
                self._session.create_client(
                    "sts", region_name=region, config=_CONFIG
                ) as sts,
            ):
                answer = await sts.assume_role(**request)
        except ClientError as error:
            raise SecretUnavailable(_refused(role, error)) from error
        except ParamValidationError as error:
            raise SecretUnavailable(_unasked(role, error, _BAD_ROLE)) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise SecretUnavailable(_unasked(role, error, _NO_WAY)) from error
        except TimeoutError as error:
            raise SecretUnavailable(
                f"AWS gave no credentials for {role} within {within:g} s. Check that "
                "the bot reaches AWS STS, and run the command again."
            ) from error
        return answer["Credentials"]


def _refused(role: str, error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code = answer.get("Code", "")
    return (
        f"AWS gave no credentials for {role}: {_one_line(answer.get('Message', ''))} "
        f"({code}). {_ADVICE.get(code, _OTHER)}"
    )


def _unasked(role: str, error: Exception, advice: str) -> str:
    return f"AWS could not be asked for {role}: {_one_line(str(error))}. {advice}"


def _one_line(message: str) -> str:
    line = re.sub(r"\s+", " ", message).strip().removesuffix(".")
    return line if len(line) <= _TOLD else f"{line[:_TOLD]}…"
