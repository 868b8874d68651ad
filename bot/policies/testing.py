"""The tests that policies bring along, in their own `_test.rego` files."""

import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.rego import place_of_rule
from bot.policies.answers import NotEvaluated
from bot.policies.loading import ROOT, compile_module
from bot.policies.module import Module
from bot.policies.rest import OpaClient
from bot.policies.rewriting import package_of

_TEST: Final = "test_"

#: its file with the text, the package that it has in OPA, and its name
_Rule = tuple[Path, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of one test; *file* without a *name* did not compile."""

    __test__ = False

    name: str
    passed: bool
    message: str = ""
    file: str
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """A policy and its tests, in packages that nobody else has."""

    client: OpaClient
    mark: str
    homes: Mapping[str, str]


async def run_tests(
    client: OpaClient, policy: tuple[Path, str], tests: Iterable[tuple[Path, str]]
) -> tuple[TestResult, ...]:
    """Run each `test_…` rule of *tests*, given as files with their text, in order."""
    mark = f"t_{secrets.token_hex(8)}"
    packages = {package_of(text).partition(".")[0] for _, text in tests}
    own = package_of(policy[1]).partition(".")[0]
    homes = {it: f"{ROOT}.{mark}_{it}" for it in packages | {own} if it}
    bench = _Bench(client=client, mark=mark, homes=homes)
    async with _loaded(bench, [policy, *tests]) as (rules, faults):
        ran = [
            await _run(bench, path, text, package, name)
            for path, text, package, name in rules
        ]
        return (*faults, *ran)


@asynccontextmanager
async def _loaded(
    bench: _Bench, files: Iterable[tuple[Path, str]]
) -> AsyncIterator[tuple[list[_Rule], list[TestResult]]]:
    names: list[str] = []
    rules: list[_Rule] = []
    faults: list[TestResult] = []
    try:
        for number, (path, text) in enumerate(files):
            names.append(f"handrail/{bench.mark}_{number}")
            compiled = await compile_module(bench.client, names[-1], text, bench.homes)
            faults += [_failed(path, it.message, row=it.row) for it in compiled.faults]
            rules += _tests(path, text, compiled.module)
        yield rules, faults
    finally:
        for name in reversed(names):
            await bench.client.unload(name)


def _tests(path: Path, text: str, module: Module | None) -> Iterator[_Rule]:
    if module is None:
        return
    package = ".".join(module.package)
    for name in dict.fromkeys(it.name for it in module.rules):
        if name.startswith(_TEST):
            yield path, text, package, name


async def _run(
    bench: _Bench, path: Path, text: str, package: str, name: str
) -> TestResult:
    row, _ = place_of_rule(text, name)
    try:
        found = await bench.client.ask(package, name, {})
    except NotEvaluated as error:
        return _failed(path, str(error), name=name, row=row)
    cases = found if isinstance(found, dict) else {"": found}
    wrong = [str(case) for case, value in cases.items() if value is not True]
    if not wrong:
        return TestResult(name=name, passed=True, file=str(path), row=row)
    which = f" for {', '.join(wrong)}" if any(wrong) else ""
    return _failed(path, f"It is not true{which}.", name=name, row=row)


def _failed(path: Path, message: str, *, name: str = "", row: int = 0) -> TestResult:
    return TestResult(name=name, passed=False, message=message, file=str(path), row=row)
