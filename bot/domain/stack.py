"""The stacks, as `handrail.yaml` describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import NewType

from bot.domain.errors import Refusal, Refused
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.policy import Policy
from bot.domain.preset import Preset
from bot.domain.rule import ApprovalRule
from runner.job import Limits, Source

StackName = NewType("StackName", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEnv:
    """A value out of the bot's own environment."""

    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromFile:
    """A value out of a file on the bot's host."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCommand:
    """A value that a program prints; an argument list, no shell."""

    arguments: tuple[str, ...]


ValueSource = FromEnv | FromFile | FromCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """A file to put into the workspace; its content is masked unless not secret."""

    path: str  #: relative to the project root
    source: ValueSource
    secret: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Shell texts around the phases, in the order in which they run."""

    before_init: tuple[str, ...] = ()
    after_init: tuple[str, ...] = ()
    before_perform: tuple[str, ...] = ()
    after_perform: tuple[str, ...] = ()
    after_run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Shell texts that deploy a stack: what it would change, then that very change."""

    plan: str  #: saves its plan as the file `$HANDRAIL_PLAN`
    apply: str  #: applies the plan in that file
    summary: str = ""  #: prints what that plan would change; empty: nothing does


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRole:
    """A role that Handrail assumes for each run, so that no key is stored."""

    role_arn: str
    duration: timedelta = timedelta(hours=1)
    external_id: str | None = None
    region: str | None = None  #: of the run and of the STS that is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcToken:
    """A token that Handrail signs for each run, and who may take it."""

    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIssuer:
    """As whom Handrail signs tokens."""

    issuer: str  #: URL without a trailing slash, below which the key set is served


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePolicy:
    """What the image of every stack has to be."""

    digest: bool = False  #: named by its digest
    registries: tuple[str, ...] = ()  #: below one of these, in full; none: any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A configured target, with its contexts already merged in.

    *reading_state* is shell text that prints the state as JSON, for the values in
    it to be masked; empty where there is none to read.

    *readers*, *writers* and *admins* are as written: a user (`U…`), a user group
    (`@handle` or `S…`) or the members of a channel (`#name` or `C…`). Readers
    that were left out are all full members of the workspace (`None`).
    """

    name: StackName
    image: str
    init: str = ""
    source: Source | None = None
    project_root: str = ""
    hooks: Hooks = Hooks()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, ValueSource] = field(default_factory=dict)
    files: tuple[StackFile, ...] = ()
    limits: Limits = Limits()
    network: str = "bridge"
    persistent: bool = False
    labels: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()  #: those of its labels and contexts, too
    approvals: ApprovalRule | None = None
    deny_tasks: bool = False  #: no command but presets and the stack's own deploy
    self_review: bool = False  #: whether the author's own approval counts
    presets: Mapping[str, Preset] = field(default_factory=dict)
    strict_masking: bool = False  #: refuse to run with a secret that cannot be masked
    mask_shapes: bool = True  #: mask what looks like a token, whoever knows it
    reading_state: str = ""
    names_state: bool = False  #: it is written whose state is read, if only `none`
    deploy: Deploy | None = None
    #: how its Terraform or OpenTofu is called, as in `terraform -chdir=live`; empty:
    #: it has none, or it is not known how
    program: str = ""
    aws: AwsRole | None = None
    oidc: OidcToken | None = None
    channel: ChannelId | None = None
    readers: tuple[str, ...] | None = None
    writers: tuple[str, ...]
    admins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFor:
    """How long what passes is kept; runs and audit rows are kept for ever."""

    output: timedelta | None = timedelta(days=400)  #: after the end; None: for ever
    deliveries: timedelta = timedelta(hours=25)
    words: timedelta = timedelta(days=30)  #: that people wrote in threads, by their ids
    #: requests under a caller's own key
    requests: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Every stack that Handrail knows, and who stands above them all."""

    workspace: TeamId
    admins: tuple[UserId, ...] = ()
    stacks: Mapping[StackName, Stack]
    slots: int = 10  #: runs at once on the engine
    oidc: OidcIssuer | None = None
    image_policy: ImagePolicy = ImagePolicy()
    retention: KeptFor = KeptFor()
    #: where threads go on that have to leave their own channel
    channel: ChannelId | None = None

    @property
    def above(self) -> frozenset[str]:
        """Return the ids of the global admins, whom no freeze keeps out."""
        return frozenset(self.admins)

    def stack(self, name: str) -> Stack:
        """Return the stack called *name*, or refuse with the nearest names."""
        known = self.stacks.get(StackName(name))
        if known is not None:
            return known
        # A phone begins a line with a capital; names of stacks have none.
        near = get_close_matches(name.lower(), self.stacks, n=3, cutoff=0.5)
        hint = (
            f"Did you mean {_either(near)}?"
            if near
            else f"There are: {', '.join(sorted(self.stacks))}."
        )
        raise Refused(
            f"There is no stack {name!r}. {hint}", reason=Refusal.UNKNOWN_STACK
        )


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
