"""Read `handrail.yaml`: all of it understood, or every problem at once."""

from collections.abc import Iterable, Iterator
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
    base = path.absolute().parent
    document = read_document(path)
    config, wrong = _config(document)
    wrong = [*document.findings, *wrong, *rules.check(document.value, base)]
    if config is None or wrong:
        raise ConfigProblems(in_order(document, wrong))
    return merged(config, base)


def in_order(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    """Return *findings* as they follow each other in the file."""
    problems = {document.problem(finding) for finding in _unexcused(findings)}
    return sorted(problems, key=lambda it: (it.line, it.column, it.where, it.text))


def _config(document: Document) -> tuple[ConfigEntry | None, list[Finding]]:
    try:
        return ConfigEntry.model_validate(document.value), []
    except ValidationError as error:
        return None, wording.findings(error, document)


def _unexcused(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what only follows from another finding."""
    findings = list(findings)
    excused = {it.excuses for it in findings if it.excuses}
    for it in findings:
        if it.excuses or it.where not in excused:
            yield it
