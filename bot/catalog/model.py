"""The shape of `handrail.yaml`: one model per mapping in it."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bot.catalog.approving import ApprovalsOrNone, Label, PolicyEntry
from bot.catalog.deploying import DeployOrNone
from bot.catalog.entry import Entry, count, is_known
from bot.catalog.identity import AwsOrNone, IssuerEntry, TokenOrNone
from bot.catalog.presets import PresetEntry, PresetName
from bot.catalog.shapes import (
    ChannelIdText,
    ContextName,
    Duration,
    DurationOrNone,
    FilePath,
    GitAddress,
    GitRef,
    HookTexts,
    ImageName,
    KeptDeliveries,
    KeptOutput,
    Members,
    Memory,
    NetworkName,
    OutputSize,
    OwnVariable,
    PathBelow,
    PersonId,
    RegistryPrefix,
    StackNameText,
    StateReader,
    TeamIdText,
    Text,
    VariableName,
    Words,
)

#: Keys that are to come, and what to do until then.
UNBUILT: Final = {
    "vault": "use {command: [vault, kv, get, …]} until then",
}


def _has_program(arguments: list[str]) -> list[str]:
    if not arguments[0].strip():
        raise ValueError("the first text has to be a program; write its name or path")
    return arguments


class ValueEntry(Entry):
    """Where a value comes from: the bot's environment, a file or a program."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("env", "file", "command")]
        }
    )

    env: OwnVariable | None = Field(
        default=None, description="Name of a variable of the bot's own environment."
    )
    file: Words | None = Field(
        default=None,
        description="File on the bot's host; a relative path starts at this file.",
    )
    command: (
        Annotated[list[Text], Field(min_length=1), AfterValidator(_has_program)] | None
    ) = Field(
        default=None,
        description="Program and arguments, run without a shell for up to 10 seconds; "
        "what it prints, without its last line end, is the value.",
    )

    @model_validator(mode="before")
    @classmethod
    def _has_one_source(cls, value: object) -> object:
        if is_known(value, cls) and count(value, "env", "file", "command") != 1:
            raise ValueError("write exactly one of `env`, `file` and `command` here")
        return value


class FileEntry(ValueEntry):
    """A file for the workspace, and whether its content is masked."""

    secret: bool = Field(
        default=True,
        description="Whether the content is a secret, to be masked in output.",
    )


class SourceEntry(Entry):
    """Where a stack's code comes from."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["git", "ref"], "properties": {"dir": False}},
                {"required": ["dir"], "properties": {"git": False, "ref": False}},
            ]
        }
    )

    git: GitAddress | None = Field(
        default=None, description="Git repository, as the host's `git` understands it."
    )
    ref: GitRef | None = Field(
        default=None, description="Branch, tag or commit to run."
    )
    dir: Words | None = Field(
        default=None,
        description="Directory on the bot's host instead of a repository; a relative "
        "path starts at this file.",
    )
    path: PathBelow = Field(
        default="",
        description="Project root below the source: where init and commands run.",
    )

    @model_validator(mode="before")
    @classmethod
    def _has_one_kind(cls, value: object) -> object:
        if not is_known(value, cls):
            return value
        if count(value, "git", "dir") != 1:
            raise ValueError("write exactly one of `git` and `dir` here")
        if count(value, "dir", "ref") == 2:
            raise ValueError(
                "`ref` belongs to `git`; remove it, or write `git` instead"
            )
        if count(value, "git", "ref") == 1 and "git" in value:
            raise ValueError("`ref` is missing; write the branch, as in `ref: main`")
        return value


class HooksEntry(Entry):
    """Shell texts around the phases of a run."""

    before_init: HookTexts = Field(
        default=[],
        description="Run before init, in its shell. Those of defaults come first, then "
        "those of the contexts in their order, then the stack's.",
    )
    after_init: HookTexts = Field(
        default=[],
        description="Run after init, in its shell. The stack's come first, then those "
        "of the contexts in reverse order, then those of defaults.",
    )
    before_perform: HookTexts = Field(
        default=[],
        description="Run right before the command, also with --no-init. Ordered like "
        "before_init.",
    )
    after_perform: HookTexts = Field(
        default=[],
        description="Run after a command that succeeded. Ordered like after_init.",
    )
    after_run: HookTexts = Field(
        default=[],
        description="Run at the end however the run went, without changing how it "
        "went. Ordered like after_init.",
    )


class LimitsEntry(Entry):
    """What a run may use. Each limit is the stack's, or else that of defaults."""

    memory: Memory | None = Field(
        default=None,
        description="Memory and swap together, as in 512m or 1g. Default: 1g.",
    )
    cpus: Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)] | None = Field(
        default=None, description="CPUs, fractions allowed. Default: 1."
    )
    pids: Annotated[int, Field(ge=16, le=4194304)] | None = Field(
        default=None, description="Processes and threads at once. Default: 256."
    )
    run_timeout: Duration | None = Field(
        default=None,
        description="How long a run may take, as in 70m or 1h30m. Default: 70m.",
    )
    silence_timeout: DurationOrNone | None = Field(
        default=None,
        description="How long a run may print nothing, or none. Default: none.",
    )
    output: OutputSize | None = Field(
        default=None,
        description="How much output of a run is kept, as in 50m; a run that prints "
        "more goes on. Default: 50m.",
    )


class ContextEntry(Entry):
    """A bundle that stacks share.

    A name in `env`, `secrets` or `files` is the stack's if the stack has it, else
    that of the last context in the stack's list that has it, else that of defaults.
    """

    env: dict[VariableName, Text] = Field(
        default={},
        description="Plain environment variables. The stack's win over those of "
        "contexts, a later context's over an earlier one's, all over defaults.",
    )
    secrets: dict[VariableName, ValueEntry] = Field(
        default={},
        description="Environment variables whose values are read when a run starts and "
        "masked in its output. They share their names, and who wins, with env.",
    )
    files: dict[FilePath, FileEntry] = Field(
        default={},
        description="Files put into the workspace, by their path below the project "
        "root. Who wins is as in env.",
    )
    hooks: HooksEntry = Field(
        default=HooksEntry(),
        description="Shell texts, or lists of them, around the phases of a run. They "
        "accumulate: contexts wrap the stack's own, defaults wrap both.",
    )
    aws: AwsOrNone = Field(
        default=None,
        description="Role of AWS that is assumed for each run, with no stored key; "
        "none: no role, whatever contexts or defaults have. Who wins is as in env, for "
        "the whole mapping.",
    )
    oidc: TokenOrNone = Field(
        default=None,
        description="Identity token that is signed for each run, for clouds that trust "
        "the issuer at the top of the file; none: no token, whatever contexts or "
        "defaults have. Who wins is as in env.",
    )
    deploy: DeployOrNone = Field(
        default=None,
        description="How /deploy plans and applies; none: not at all, whatever "
        "contexts or defaults have. Who wins is as in env, for the whole mapping. "
        "Default: by the Terraform or OpenTofu that the init or the image names.",
    )
    labels: list[Label] = Field(
        default=[],
        description="Words by which policies find stacks. Those of defaults and of "
        "contexts are added.",
    )
    policies: list[Words] = Field(
        default=[],
        description="Files of Rego that are asked before a run; a relative path starts "
        "at this file. Those of defaults and of contexts are asked, too.",
    )
    approvals: ApprovalsOrNone = Field(
        default=None,
        description="Who has to agree to a run; none: nobody, whatever contexts or "
        "defaults have. Who wins is as in env, for the whole mapping.",
    )
    deny_tasks: bool | None = Field(
        default=None,
        description="Whether commands are refused, so that only presets and deploys "
        "run. Who wins is as in env. Default: false.",
    )
    self_review: bool | None = Field(
        default=None,
        description="Whether who asked for a run may be one of those who agree to it. "
        "Who wins is as in env. Default: false.",
    )
    presets: dict[PresetName, PresetEntry] = Field(
        default={},
        description="Named commands with typed parameters. Who wins is as in env, for "
        "each name.",
    )


class StackEntry(ContextEntry):
    """A stack; what it leaves out comes from its contexts, then from defaults."""

    image: ImageName | None = Field(
        default=None, description="Container image. Needed here or in defaults."
    )
    init: Text | None = Field(
        default=None,
        description="Shell text that makes the stack ready, skipped by --no-init. "
        'Default: none; "" for none where defaults have one.',
    )
    source: SourceEntry | None = Field(
        default=None,
        description="Where the code comes from. Default: an empty workspace.",
    )
    limits: LimitsEntry = Field(
        default=LimitsEntry(), description="What a run may use."
    )
    network: NetworkName | None = Field(
        default=None,
        description="bridge, none or the name of a network. Default: bridge.",
    )
    strict_masking: bool | None = Field(
        default=None,
        description="Whether to refuse to run with a secret that is too short or too "
        "common to be masked. Default: false.",
    )
    mask_shapes: bool | None = Field(
        default=None,
        description="Whether what looks like a well-known token is masked, too. "
        "Default: true.",
    )
    mask_state: StateReader | None = Field(
        default=None,
        description="Whose state is read after init, so that its sensitive values are "
        "masked: terraform, tofu or none. Default: that of the init, if it runs "
        "`terraform init` or `tofu init`.",
    )
    workspace: Literal["fresh", "persistent"] | None = Field(
        default=None,
        description="fresh: every run starts from the source alone. persistent: the "
        "workspace is kept from run to run. Default: fresh.",
    )
    contexts: list[ContextName] | None = Field(
        default=None,
        description="Contexts by name; a later one wins over an earlier one.",
    )
    channel: ChannelIdText | None = Field(
        default=None,
        description="Id of the channel where records go. Default: where it was asked.",
    )
    readers: list[Members] | None = Field(
        default=None,
        description="Who may see runs. Default: every full member of the workspace.",
    )
    writers: Annotated[list[Members], Field(min_length=1)] | None = Field(
        default=None,
        description="Who may run commands: people (U…), user groups (@handle, S…), "
        "members of channels (#name, C…). Needed here or in defaults.",
    )
    admins: list[Members] | None = Field(
        default=None, description="Who may release other people's locks on the stack."
    )


class ImagePolicyEntry(Entry):
    """What the image of every stack has to be."""

    digest: bool = Field(
        default=False, description="Whether an image has to end in its @sha256: digest."
    )
    registries: Annotated[list[RegistryPrefix], Field(min_length=1)] | None = Field(
        default=None,
        description="Where images may come from: hosts, or hosts and paths, below one "
        "of which an image has to be. Docker's short names are of docker.io.",
    )


class RetentionEntry(Entry):
    """How long what runs leave is kept. Runs and audit rows are kept for ever."""

    output: KeptOutput | None = Field(
        default=None,
        description="How long output is kept once its run has ended, as in 90d; none: "
        "for ever. Default: 400d.",
    )
    deliveries: KeptDeliveries | None = Field(
        default=None,
        description="How long it is known what Slack has delivered, so that nothing "
        "is done twice. Default: 25h.",
    )


class ConfigEntry(Entry):
    """Handrail's configuration: the stacks and who may run commands on them."""

    version: Literal[1] = Field(description="Version of this format.")
    workspace: TeamIdText = Field(description="Id of the home Slack workspace.")
    admins: list[PersonId] = Field(
        default=[], description="People (U…) who are admins of every stack."
    )
    slots: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, description="How many runs the engine carries at once."
    )
    image_policy: ImagePolicyEntry = Field(
        default=ImagePolicyEntry(),
        description="What images of stacks have to be. Default: anything.",
    )
    oidc: IssuerEntry | None = Field(
        default=None, description="As whom Handrail signs identity tokens."
    )
    retention: RetentionEntry = Field(
        default=RetentionEntry(),
        description="How long output and other things that pass are kept.",
    )
    policies: list[PolicyEntry] = Field(
        default=[], description="Policies that are attached to stacks by labels."
    )
    defaults: StackEntry = Field(
        default=StackEntry(), description="What stacks and their contexts leave out."
    )
    contexts: dict[ContextName, ContextEntry] = Field(
        default={},
        description="Bundles of env, secrets, files, hooks and identities that stacks "
        "share.",
    )
    stacks: Annotated[dict[StackNameText, StackEntry], Field(min_length=1)] = Field(
        description="The stacks, by the names that people type."
    )
