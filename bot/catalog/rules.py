"""What the keys of `handrail.yaml` owe each other, and the directories it names.

The rules look at plain values rather than at models, so that a mistake in one key
does not hide those in others; what has the wrong type is left to the models.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeGuard

from pydantic import TypeAdapter, ValidationError

from bot.catalog import permission_rules
from bot.catalog.identity import TokenEntry
from bot.catalog.images import breaches
from bot.catalog.merge import image_policy, value_source
from bot.catalog.model import FileEntry, ImagePolicyEntry, ValueEntry
from bot.catalog.plain_values import Layer, first, items, mapping, sections, stacks
from bot.catalog.problem import Finding, Where, short, spelled
from bot.catalog.secrets import absence
from bot.catalog.shapes import ImageName

#: What the role of a stack is given to a run as.
_AWS_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
_IMAGE: Final[TypeAdapter[str]] = TypeAdapter(ImageName)


def check(config: object, base: Path) -> Iterator[Finding]:
    """Yield what is wrong. Relative paths start at *base*."""
    for where, section in sections(config):
        yield from _twice(where, section)
        yield from _source(where, section, base)
        yield from _unknown_contexts(where, section, mapping(config, "contexts"))
    for layers in stacks(config):
        yield from _incomplete(*layers[0], defaults=mapping(config, "defaults"))
        yield from _merged(layers, config)
    yield from permission_rules.check(config, base)


def absent(config: object, base: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the values that no run would find, where a stack could need them."""
    named = {
        name
        for _, section in sections(config)
        for name in items(section, "contexts")
        if isinstance(name, str)
    }
    for where, section in sections(config):
        if where[0] != "contexts" or where[1] in named:
            yield from _lacks(where, section, base, environ)


def _lacks(
    where: Where, section: Mapping[str, object], base: Path, environ: Mapping[str, str]
) -> Iterator[Finding]:
    for group, model in (("secrets", ValueEntry), ("files", FileEntry)):
        entries = mapping(section, group).items()
        lacks = ((name, _lack(model, it, base, environ)) for name, it in entries)
        for name, lack in filter(itemgetter(1), lacks):
            yield Finding(where=(*where, group, name), text=lack)


def _lack(
    model: type[ValueEntry], entry: object, base: Path, environ: Mapping[str, str]
) -> str:
    with suppress(ValidationError):  # which is told already
        return absence(value_source(model.model_validate(entry), base), environ) or ""
    return ""


def _incomplete(
    where: Where, stack: Mapping[str, object], *, defaults: Mapping[str, object]
) -> Iterator[Finding]:
    if "image" not in stack and "image" not in defaults:
        yield Finding(
            where=(*where, "image"),
            text="is missing; write the container image, as in `image: "
            "hashicorp/terraform:1.11`, here or in defaults",
        )
    if "writers" not in stack and "writers" not in defaults:
        yield Finding(
            where=(*where, "writers"),
            text="is missing, so nobody could use the stack; write who may, as in "
            '`writers: [U0ANN, "@platform"]`, here or in defaults',
        )


def _merged(layers: Sequence[Layer], config: object) -> Iterator[Finding]:
    yield from _forbidden_image(layers, mapping(config, "image_policy"))
    yield from _two_credentials(layers)
    yield from _unsigned_token(layers, config)


def _unsigned_token(layers: Sequence[Layer], config: object) -> Iterator[Finding]:
    place = first(layers, "oidc")
    if place is None or (isinstance(config, Mapping) and "oidc" in config):
        return
    with suppress(ValidationError):  # which is told already
        TokenEntry.model_validate(dict(layers)[place]["oidc"])
        yield Finding(
            where=(*place, "oidc"),
            text="asks for a token that nobody signs; write `oidc: {issuer: "
            "https://handrail.example.com}` at the top of the file, or remove this",
            on_key=True,
        )


def _forbidden_image(
    layers: Sequence[Layer], policy: Mapping[str, object]
) -> Iterator[Finding]:
    (where, stack), *_, (above, defaults) = layers
    place, section = (where, stack) if "image" in stack else (above, defaults)
    with suppress(ValidationError):  # which is told already
        image = _IMAGE.validate_python(section.get("image"), strict=True)
        demands = image_policy(ImagePolicyEntry.model_validate(policy))
        for text in breaches(image, demands):
            yield Finding(where=(*place, "image"), text=text)


def _two_credentials(layers: Sequence[Layer]) -> Iterator[Finding]:
    role = first(layers, "aws")
    if role is None or not mapping(dict(layers)[role], "aws"):
        return
    for group, name in product(("env", "secrets"), _AWS_VARIABLES):
        groups = [(place, mapping(section, group)) for place, section in layers]
        if place := first(groups, name):
            yield Finding(
                where=(*place, group, name),
                text=f"{spelled((*role, 'aws'))} makes this for each run, too; keep "
                "one of them",
                on_key=True,
            )


def _twice(where: Where, section: Mapping[str, object]) -> Iterator[Finding]:
    env = mapping(section, "env")
    for name in mapping(section, "secrets"):
        if name in env:
            yield Finding(
                where=(*where, "secrets", name),
                text="stands in env, too; keep it in one of them",
                on_key=True,
            )


def _unknown_contexts(
    where: Where, section: Mapping[str, object], contexts: Mapping[str, object]
) -> Iterator[Finding]:
    for index, name in enumerate(items(section, "contexts")):
        if isinstance(name, str) and name and name not in contexts:
            near = get_close_matches(name, contexts, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "write it below contexts"
            yield Finding(
                where=(*where, "contexts", index),
                text=f"there is no context `{short(name)}`; {hint}",
            )


def _source(
    where: Where, section: Mapping[str, object], base: Path
) -> Iterator[Finding]:
    source = mapping(section, "source")
    directory, path = source.get("dir"), source.get("path", "")
    if not isinstance(directory, str) or not directory or "git" in source:
        return
    if not _is_directory(base / directory):
        yield Finding(
            where=(*where, "source", "dir"),
            text=f"there is no directory {base / directory}; create it or name another",
        )
    elif _is_below(path) and not _is_directory(base / directory / path):
        yield Finding(
            where=(*where, "source", "path"),
            text=f"there is no directory {path} in {directory}; name another",
        )


def _is_below(path: object) -> TypeGuard[str]:
    return isinstance(path, str) and ".." not in path and not path.startswith("/")


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no permission to look; a NUL in the name
        return False
