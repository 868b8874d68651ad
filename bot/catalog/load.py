"""Read `handrail.yaml`: all of it understood, or every problem at once."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from bot.catalog import rules, wording
from bot.catalog.document import Document, read_document
from bot.catalog.merge import merged
from bot.catalog.model import ConfigEntry
from bot.catalog.problem import ConfigProblems, Finding, Problem
from bot.domain.stack import Catalog


def load(path: Path) -> Catalog:
    """Return the catalog in *path*, or raise ConfigProblems.

    Relative paths in it start at the directory of *path*.
    """
    return read(path)[1]


def read(path: Path) -> tuple[ConfigEntry, Catalog]:
    """Return what is written in *path* and what it means, or raise ConfigProblems."""
    document = read_document(path)
    config, findings = _understood(document, _base(path))
    if config is None or findings:
        raise ConfigProblems(_in_order(document, findings))
    return config, merged(config, _base(path))


def check(path: Path, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return every problem of *path*, values that no run would find among them."""
    try:
        document = read_document(path)
    except ConfigProblems as refused:
        return refused.problems
    _, findings = _understood(document, _base(path))
    absent = rules.absent(document.value, _base(path), environ)
    return tuple(_in_order(document, [*findings, *absent]))


def _base(path: Path) -> Path:
    return path.absolute().parent


def _understood(
    document: Document, base: Path
) -> tuple[ConfigEntry | None, list[Finding]]:
    config, wrong = _config(document)
    return config, [*document.findings, *wrong, *rules.check(document.value, base)]


def _config(document: Document) -> tuple[ConfigEntry | None, list[Finding]]:
    try:
        return ConfigEntry.model_validate(document.value), []
    except ValidationError as error:
        return None, wording.findings(error, document)


def _in_order(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    problems = {document.problem(finding) for finding in _unexcused(findings)}
    return sorted(problems, key=lambda it: (it.line, it.column, it.where, it.text))


def _unexcused(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what only follows from another finding."""
    findings = list(findings)
    excused = {it.excuses for it in findings if it.excuses}
    for it in findings:
        if it.excuses or it.where not in excused:
            yield it
