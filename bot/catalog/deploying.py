"""How a stack is deployed: what its file says, or what is usual for its tool."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.catalog.entry import Entry, unless_none
from bot.catalog.shapes import Text, Words
from bot.domain.stack import Deploy


class DeployEntry(Entry):
    """What /deploy runs: a plan, and once it is confirmed what applies that plan."""

    plan: Words = Field(
        description="Shell text that tells what would change, and saves its plan as "
        "the file $HANDRAIL_PLAN. It changes nothing itself."
    )
    apply: Words = Field(
        description="Shell text that applies the plan in the file $HANDRAIL_PLAN."
    )
    summary: Text = Field(
        default="",
        description="Shell text that prints what the plan in $HANDRAIL_PLAN would "
        "change: Terraform's JSON, or any text. Default: none.",
    )


#: None that is written undoes what stands in contexts or defaults.
DeployOrNone = Annotated[
    DeployEntry | None,
    BeforeValidator(
        unless_none, json_schema_input_type=DeployEntry | Literal["none", False]
    ),
]


def usual(program: str) -> Deploy:
    """Return how the Terraform or OpenTofu that is called *program* deploys."""
    return Deploy(
        plan=f'{program} plan -input=false -out="$HANDRAIL_PLAN"',
        apply=f'{program} apply -input=false "$HANDRAIL_PLAN"',
        summary=f'{program} show -json "$HANDRAIL_PLAN"',
    )
