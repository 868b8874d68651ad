"""`handrail policy …`: try the policies of stacks before they decide."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.evaluation import evaluate
from bot.cli.policy_record import catalog, evaluating, record
from bot.control.replay import Difference, replay, told
from bot.domain.policy import Policy, PolicyFault
from bot.policies.missing import NoPolicies
from bot.policies.opa import OpaPolicies
from bot.policies.testing import TestResult
from bot.ports import Approvals, Document
from bot.store.approvals import SqlApprovals

policy_app = typer.Typer(help="The policies of stacks.", no_args_is_help=True)
policy_app.command("eval")(evaluate)

_SHOWN: Final = 5  #: differences of one policy
_COMMAND_LENGTH: Final = 60


@policy_app.command("test")
def try_policies(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="These alone, whether they are attached or not."),
    ] = None,
) -> None:
    """Run the tests beside the attached policies, and replay what was sampled.

    The tests of a.rego are the rules test_… of a_test.rego. Samples are the
    last hundred inputs for which a rule of it called sample was true. Exits
    with 1 where a test fails, or a policy says something else by now.
    """
    policies = _named(files) if files else _attached()

    async def tried() -> bool:
        async with evaluating() as opa, record() as database:
            approvals = SqlApprovals(database)
            return all([await _is_sound(it, opa, approvals) for it in policies])

    if not policies:
        typer.echo("There is no policy to test.")
    elif not asyncio.run(tried()):
        raise typer.Exit(1)


def _attached() -> tuple[Policy, ...]:
    """Return every policy of handrail.yaml, once."""
    stacks = catalog().stacks.values()
    found = {policy.path: policy for stack in stacks for policy in stack.policies}
    return tuple(found.values())


def _named(files: Iterable[Path]) -> tuple[Policy, ...]:
    """Return the policies in *files*, whatever handrail.yaml says of them."""
    return tuple(
        Policy(name=str(path), path=path.absolute())
        for path in files
        if path != _tests_of(path)
    )


async def _is_sound(
    policy: Policy, opa: OpaPolicies | NoPolicies, approvals: Approvals
) -> bool:
    """Try *policy*, and print what came of it."""
    faults = await opa.check([policy])
    for fault in faults:
        typer.echo(_fault(fault), err=True)
    if faults:
        return False
    tests = _tests_of(policy.path)
    results = await opa.run_tests(policy, [tests]) if tests.exists() else ()
    replayed = await replay(policy, approvals, opa)
    bad = [*_failures(results), *_differences(policy, replayed.differences)]
    for line in bad:
        typer.echo(line, err=True)
    ran = _counted(results) if tests.exists() else ""
    typer.echo(f"{policy.name}: {_tried(ran, tests.name, replayed.asked)}")
    return not bad


def _tried(ran: str, tests: str, asked: int) -> str:
    replayed = f"{asked} sample{'' if asked == 1 else 's'} replayed" if asked else ""
    if ran:
        return f"{'; '.join(filter(None, (ran, replayed)))}."
    return f"no tests; put them into {tests}. {replayed or 'Nothing was sampled yet'}."


def _tests_of(policy: Path) -> Path:
    return policy.with_name(f"{policy.stem.removesuffix('_test')}_test.rego")


def _counted(results: tuple[TestResult, ...]) -> str:
    passed = sum(result.passed for result in results)
    return f"{passed} of {len(results)} tests passed"


def _fault(fault: PolicyFault) -> str:
    place = f":{fault.row}:{fault.column}" if fault.row else ""
    return f"{fault.policy}{place}: {fault.message}"


def _failures(results: Iterable[TestResult]) -> Iterator[str]:
    for result in results:
        if not result.passed:
            place = f"{result.file}:{result.row}" if result.row else result.file
            name = f" {result.name}" if result.name else ""
            yield f"{place}:{name} {result.message}"


def _differences(policy: Policy, found: tuple[Difference, ...]) -> Iterator[str]:
    for difference in found[:_SHOWN]:
        asked = _asked(difference.document)
        was, now = told(difference.was), told(difference.now)
        yield f"{policy.name}: {asked}: it said {was}; now it says {now}"
    if len(found) > _SHOWN:
        yield f"{policy.name}: {len(found) - _SHOWN} more samples differ."


def _asked(document: Document) -> str:
    """Say in a few words what a document was about."""
    about = document.get("run") or document.get("request")
    command = about.get("command") if isinstance(about, Mapping) else None
    stack = document.get("stack")
    name = stack.get("id") if isinstance(stack, Mapping) else None
    return f"{str(command)[:_COMMAND_LENGTH]!r} on {name}"
