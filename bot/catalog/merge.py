"""Stack over contexts over defaults: from what is written to what it means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bot.catalog.approving import rule
from bot.catalog.deploying import usual
from bot.catalog.identity import AwsEntry, TokenEntry
from bot.catalog.images import registry
from bot.catalog.model import (
    ConfigEntry,
    ContextEntry,
    HooksEntry,
    ImagePolicyEntry,
    LimitsEntry,
    RetentionEntry,
    SourceEntry,
    StackEntry,
    ValueEntry,
)
from bot.catalog.presets import preset
from bot.catalog.shapes import NEVER
from bot.catalog.state_reading import calling, reading
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.policy import Policy
from bot.domain.stack import (
    AwsRole,
    Catalog,
    Deploy,
    FromCommand,
    FromEnv,
    FromFile,
    Hooks,
    ImagePolicy,
    KeptFor,
    OidcIssuer,
    OidcToken,
    Stack,
    StackFile,
    StackName,
    ValueSource,
)
from runner.job import DirectorySource, GitSource, Limits, Source

T = TypeVar("T")


def merged(config: ConfigEntry, base: Path) -> Catalog:
    """Return what *config* means. Relative paths start at *base*."""
    return Catalog(
        workspace=TeamId(config.workspace),
        admins=tuple(map(UserId, config.admins)),
        stacks={
            StackName(name): _stack(StackName(name), stack, config, base)
            for name, stack in config.stacks.items()
        },
        slots=config.slots,
        oidc=OidcIssuer(issuer=config.oidc.issuer) if config.oidc else None,
        image_policy=image_policy(config.image_policy),
        retention=_retention(config.retention),
        channel=ChannelId(config.defaults.channel) if config.defaults.channel else None,
    )


def image_policy(entry: ImagePolicyEntry) -> ImagePolicy:
    """Return what *entry* demands, its registries as Docker has them."""
    registries = tuple(map(registry, entry.registries or ()))
    return ImagePolicy(digest=entry.digest, registries=registries)


def value_source(entry: ValueEntry, base: Path) -> ValueSource:
    """Return where *entry* says that its value is."""
    if entry.env is not None:
        return FromEnv(variable=entry.env)
    if entry.file is not None:
        return FromFile(path=base / entry.file)
    program, *arguments = entry.command or [""]
    # A bare name is looked for on PATH; a path starts where other paths do.
    whole = str(base / program) if "/" in program else program
    return FromCommand(arguments=(whole, *arguments))


def layers_of(own: StackEntry, config: ConfigEntry) -> Sequence[ContextEntry]:
    """Return what a stack is made of; what comes last wins."""
    contexts = _first(own.contexts, config.defaults.contexts) or []
    return config.defaults, *(config.contexts[name] for name in contexts), own


def last(layers: Sequence[ContextEntry], key: str) -> ContextEntry:
    """Return the last of *layers* in which *key* is written, if only as none."""
    written = [layer for layer in layers if key in layer.model_fields_set]
    return written[-1] if written else layers[-1]


def _stack(name: StackName, own: StackEntry, config: ConfigEntry, base: Path) -> Stack:
    layers = layers_of(own, config)
    labels = tuple(dict.fromkeys(_all(layer.labels for layer in layers)))
    attached = [it.file for it in config.policies if set(it.labels) & set(labels)]
    approvals = last(layers, "approvals").approvals
    return replace(
        _target(name, own, config.defaults, layers, base),
        labels=labels,
        policies=_policies([*attached, *_all(it.policies for it in layers)], base),
        approvals=None if approvals is None else rule(approvals),
        deny_tasks=last(layers, "deny_tasks").deny_tasks is True,
        self_review=last(layers, "self_review").self_review is True,
        presets={
            name: preset(name, entry)
            for layer in layers
            for name, entry in layer.presets.items()
        },
    )


def _target(
    name: StackName,
    own: StackEntry,
    defaults: StackEntry,
    layers: Sequence[ContextEntry],
    base: Path,
) -> Stack:
    source = _first(own.source, defaults.source)
    readers = _first(own.readers, defaults.readers)
    channel = _first(own.channel, defaults.channel)
    image = _first(own.image, defaults.image) or ""
    init = _first(own.init, defaults.init) or ""
    mask_state = _first(own.mask_state, defaults.mask_state)
    program = calling(init, mask_state, image)
    return Stack(
        name=name,
        image=image,
        init=init,
        source=_source(source, base),
        project_root=_plain(source.path) if source else "",
        hooks=_hooks([layer.hooks for layer in layers]),
        env=_env(layers),
        secrets=_secrets(layers, base),
        files=_files(layers, base),
        limits=_limits(own.limits, defaults.limits),
        network=_first(own.network, defaults.network) or "bridge",
        persistent=_first(own.workspace, defaults.workspace) == "persistent",
        strict_masking=_first(own.strict_masking, defaults.strict_masking) is True,
        mask_shapes=_first(own.mask_shapes, defaults.mask_shapes) is not False,
        reading_state=reading(init, mask_state),
        names_state=mask_state is not None,
        deploy=_deploy(last(layers, "deploy"), program),
        program=program,
        aws=_aws(last(layers, "aws").aws),
        oidc=_oidc(last(layers, "oidc").oidc),
        channel=ChannelId(channel) if channel else None,
        readers=None if readers is None else tuple(readers),
        writers=tuple(_first(own.writers, defaults.writers) or ()),
        admins=tuple(_first(own.admins, defaults.admins) or ()),
    )


def _first(*wishes: T | None) -> T | None:
    return next((wish for wish in wishes if wish is not None), None)


def _source(entry: SourceEntry | None, base: Path) -> Source | None:
    if entry is None:
        return None
    if entry.git is None:
        return DirectorySource(directory=base / (entry.dir or ""))
    is_relative = entry.git.startswith(("./", "../"))
    url = str((base / entry.git).resolve()) if is_relative else entry.git
    return GitSource(url=url, ref=entry.ref or "")


def _plain(path: str) -> str:
    """Return *path* without `./` and doubled slashes; the top is empty."""
    plain = str(PurePosixPath(path))
    return "" if plain == "." else plain


def _hooks(layers: Sequence[HooksEntry]) -> Hooks:
    """Wrap each layer around the one after it."""
    inward, outward = layers, layers[::-1]
    return Hooks(
        before_init=_all(layer.before_init for layer in inward),
        after_init=_all(layer.after_init for layer in outward),
        before_perform=_all(layer.before_perform for layer in inward),
        after_perform=_all(layer.after_perform for layer in outward),
        after_run=_all(layer.after_run for layer in outward),
    )


def _all(texts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(text for some in texts for text in some)


def _policies(files: Iterable[str], base: Path) -> tuple[Policy, ...]:
    """Return each file once, however often and in whatever way it is written."""
    policies: dict[Path, Policy] = {}
    for file in files:
        policies.setdefault(base / file, Policy(name=file, path=base / file))
    return tuple(policies.values())


def _env(layers: Sequence[ContextEntry]) -> Mapping[str, str]:
    return {
        name: layer.env[name]
        for name, layer in _winners(layers).items()
        if name in layer.env
    }


def _secrets(layers: Sequence[ContextEntry], base: Path) -> Mapping[str, ValueSource]:
    return {
        name: value_source(layer.secrets[name], base)
        for name, layer in _winners(layers).items()
        if name in layer.secrets
    }


def _winners(layers: Sequence[ContextEntry]) -> Mapping[str, ContextEntry]:
    """Return which layer a variable comes from: one name, plain or secret."""
    return {name: layer for layer in layers for name in (*layer.env, *layer.secrets)}


def _files(layers: Sequence[ContextEntry], base: Path) -> tuple[StackFile, ...]:
    files = {
        _plain(path): file for layer in layers for path, file in layer.files.items()
    }
    return tuple(
        StackFile(path=path, source=value_source(file, base), secret=file.secret)
        for path, file in files.items()
    )


def _deploy(layer: ContextEntry, program: str) -> Deploy | None:
    if "deploy" in layer.model_fields_set:
        return None if layer.deploy is None else Deploy(**layer.deploy.model_dump())
    return usual(program) if program else None


def _aws(entry: AwsEntry | None) -> AwsRole | None:
    return None if entry is None else AwsRole(**entry.model_dump())


def _oidc(entry: TokenEntry | None) -> OidcToken | None:
    if entry is None:
        return None
    # Each audience once, in their order.
    return OidcToken(audiences=tuple(dict.fromkeys(entry.audience)))


def _retention(entry: RetentionEntry) -> KeptFor:
    usual = KeptFor()
    output = usual.output if entry.output is None else entry.output
    return KeptFor(
        output=None if output == NEVER else output,
        deliveries=entry.deliveries or usual.deliveries,
    )


def _limits(own: LimitsEntry, defaults: LimitsEntry) -> Limits:
    usual = Limits()
    silence = _first(own.silence_timeout, defaults.silence_timeout, NEVER)
    return Limits(
        memory=_first(own.memory, defaults.memory) or usual.memory,
        cpus=_first(own.cpus, defaults.cpus) or usual.cpus,
        pids=_first(own.pids, defaults.pids) or usual.pids,
        run_timeout=_first(own.run_timeout, defaults.run_timeout) or usual.run_timeout,
        silence_timeout=silence or None,
        output=_first(own.output, defaults.output) or usual.output,
    )
