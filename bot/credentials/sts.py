"""AWS's Security Token Service: asked for a role, its answer put into words.

The one module that needs the extra `aws`.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from bot.domain.errors import SecretUnavailable

if TYPE_CHECKING:
    from types_aiobotocore_sts.type_defs import (
        AssumeRoleRequestTypeDef,
        AssumeRoleResponseTypeDef,
        CredentialsTypeDef,
    )

_CONFIG: Final = AioConfig(
    connect_timeout=3,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
)

#: how much of a message is told, in lines and characters
_TOLD_LINES: Final = 2
_TOLD: Final = 600
#: From here on AWS repeats the request, and with it the token of the bot's session.
_REPEATED: Final = re.compile(
    r"The (Canonical String|String-to-Sign)|x-amz-security-token|Authorization=",
    re.IGNORECASE,
)
_KEYS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken")

#: What botocore lets through, among others, where a file, a program or an address that
#: it was pointed to is not there or gives something that it does not reckon with.
_LET_THROUGH: Final = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
)

_BAD_KEYS: Final = (
    "Give the bot AWS credentials of its own that are good, where it starts."
)
_BAD_ROLE: Final = "Correct `aws` of the stack in handrail.yaml."
_NO_WAY: Final = (
    "Check that the bot has AWS credentials of its own where it starts, a region, and "
    "a way to AWS STS."
)
_BAD_SETTINGS: Final = (
    "Check the AWS_… variables and the profile that the bot starts with, and what the "
    "files, programs and addresses in them give."
)
_BAD_PROGRAM: Final = (
    "Run it by hand, as the user the bot runs as, to see why, or correct "
    "`credential_process` in the profile that the bot starts with."
)
_BAD_ANSWER: Final = "Check that the endpoint that the bot asks is that of AWS STS."
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
        except TimeoutError as error:
            raise SecretUnavailable(
                f"AWS gave no credentials for {role} within {within:g} s. Check that "
                "the bot reaches AWS STS, and run the command again."
            ) from error
        except (
            ClientError,
            BotoCoreError,
            ResponseParserError,
            *_LET_THROUGH,
        ) as error:
            raise SecretUnavailable(_lack(role, error)) from error
        return _whole(role, answer)


def _whole(role: str, answer: "AssumeRoleResponseTypeDef") -> "CredentialsTypeDef":
    given = answer.get("Credentials", {})
    if not all(given.get(key) for key in _KEYS):
        raise SecretUnavailable(
            f"AWS gave no credentials for {role}: its answer holds none. {_BAD_ANSWER}"
        )
    return answer["Credentials"]


def _lack(role: str, error: Exception) -> str:
    if isinstance(error, ClientError):
        return _refused(role, error)
    cause, advice = _cause(error)
    return f"AWS could not be asked for {role}: {cause}. {advice}"


def _refused(role: str, error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code = answer.get("Code", "")
    return (
        f"AWS gave no credentials for {role}: {_short(answer.get('Message', ''))} "
        f"({code}). {_ADVICE.get(code, _OTHER)}"
    )


def _cause(error: Exception) -> tuple[str, str]:
    """Return what kept AWS from being asked, and what to do.

    What a program or a service printed is not told: it may hold a credential.
    """
    match error:
        case ParamValidationError():
            return _short(str(error)), _BAD_ROLE
        case CredentialRetrievalError(kwargs={"provider": "custom-process"}):
            return "the program of `credential_process` failed", _BAD_PROGRAM
        case CredentialRetrievalError(kwargs={"provider": provider}):
            return f"{provider} gave no credentials", _NO_WAY
        case MetadataRetrievalError():
            return "the service of the machine's metadata gave none", _NO_WAY
        case ResponseParserError():
            return "the answer is none of AWS's", _BAD_ANSWER
        case BotoCoreError():
            return _short(str(error)), _NO_WAY
        case OSError(strerror=str() as lack, filename=str() as name):
            return _short(f"{name}: {lack}"), _BAD_SETTINGS
        case _:
            kind = type(error).__name__
            return f"the bot's own settings do not work ({kind})", _BAD_SETTINGS


def _short(message: str) -> str:
    """Return the beginning of *message* on one line, without a credential in it."""
    found = _REPEATED.search(message)
    lines = message[: found.start() if found else None].split("\n")
    text = " ".join([line for line in lines if line.strip()][:_TOLD_LINES])
    line = re.sub(r"\s+", " ", text).strip().removesuffix(".")
    return line if len(line) <= _TOLD else f"{line[:_TOLD]}…"
