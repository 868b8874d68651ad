"""As whom a stack's runs come to a cloud: roles, tokens and their issuer."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.catalog.entry import Entry, unless_none
from bot.catalog.shapes import (
    Audiences,
    ExternalId,
    IssuerUrl,
    Region,
    RoleArn,
    SessionDuration,
)


class AwsEntry(Entry):
    """A role of AWS, assumed anew for each run."""

    role_arn: RoleArn = Field(
        description="The role, as in arn:aws:iam::111111111111:role/handrail."
    )
    duration: SessionDuration = Field(
        default=timedelta(hours=1),
        description="How long the credentials live, 15m to 12h, and no longer than the "
        "role itself allows. Default: 1h.",
    )
    external_id: ExternalId | None = Field(
        default=None,
        description="What the role's trust policy wants as sts:ExternalId.",
    )
    region: Region | None = Field(
        default=None, description="Region of the run and of the STS that is asked."
    )


class TokenEntry(Entry):
    """An identity token, signed anew for each run."""

    audience: Audiences = Field(
        description="Who may take the token, as in sts.amazonaws.com, or a list."
    )


#: None that is written undoes what stands in contexts or defaults.
AwsOrNone = Annotated[
    AwsEntry | None,
    BeforeValidator(
        unless_none, json_schema_input_type=AwsEntry | Literal["none", False]
    ),
]
TokenOrNone = Annotated[
    TokenEntry | None,
    BeforeValidator(
        unless_none, json_schema_input_type=TokenEntry | Literal["none", False]
    ),
]


class IssuerEntry(Entry):
    """As whom tokens are signed."""

    issuer: IssuerUrl = Field(
        description="The https URL below which clouds find the key set of this bot, "
        "without a slash at its end; AWS wants none with a port."
    )
