"""Who has to agree to a stack's runs, and which policies are asked about them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.catalog.entry import Entry, unless_none
from bot.catalog.shapes import NEVER, DurationOrNone, Members, Shape, Words
from bot.control.allow_list import fault
from bot.domain.rule import ApprovalRule

Label = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9][A-Za-z0-9._:/=@+-]{0,127}$",
        "is not a label; write up to 128 letters, digits and ._:/=@+-, a letter or "
        "digit first",
    ),
]


def _compiles(entry: str) -> str:
    if wrong := fault(entry):
        raise ValueError(
            f"RE2 cannot read this pattern ({wrong}); write a whole command, as in "
            "terraform state (list|show .*)"
        )
    return entry


AllowListEntry = Annotated[Words, Field(max_length=1000), AfterValidator(_compiles)]


class ApprovalsEntry(Entry):
    """The built-in rule: so many people have to agree to a run."""

    count: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="How many have to agree. Default: 1."
    )
    from_: Annotated[list[Members], Field(min_length=1)] | None = Field(
        default=None,
        alias="from",
        description="Out of whom: people (U…), user groups (@handle, S…), members of "
        "channels (#name, C…). Default: the stack's writers.",
    )
    except_: Annotated[list[AllowListEntry], Field(min_length=1)] | None = Field(
        default=None,
        alias="except",
        description="Commands that nobody has to agree to: patterns of RE2 that match "
        "the whole command. What a shell reads as anything but itself (; | & $ quotes "
        "and the like) matches only where it is written, and no wildcard.",
    )
    expires: DurationOrNone | None = Field(
        default=None,
        description="How long a run waits for it, as in 2h or 7d; none: for ever. "
        "Default: 7d.",
    )


#: None that is written undoes what stands in contexts or defaults.
ApprovalsOrNone = Annotated[
    ApprovalsEntry | None,
    BeforeValidator(
        unless_none, json_schema_input_type=ApprovalsEntry | Literal["none", False]
    ),
]


class PolicyEntry(Entry):
    """A policy, and the stacks that it is for."""

    file: Words = Field(
        description="File of Rego; a relative path starts at this file."
    )
    labels: Annotated[list[Label], Field(min_length=1)] = Field(
        description="It is asked about stacks with any of these labels."
    )


def rule(entry: ApprovalsEntry) -> ApprovalRule:
    """Return the rule that *entry* writes."""
    usual = ApprovalRule(count=entry.count)
    expires = usual.expires if entry.expires is None else entry.expires
    return ApprovalRule(
        count=entry.count,
        from_=tuple(entry.from_ or ()),
        except_=tuple(entry.except_ or ()),
        expires=None if expires == NEVER else expires,
    )
