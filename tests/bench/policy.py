"""How long a decision takes, and how soon a policy without end is interrupted."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bot.domain.policy import Policy, Session
from bot.domain.policy_input import Situation, task_document
from bot.policies.opa import LIMIT, OpaPolicies
from bot.policies.rest import OpaClient
from bot.policies.server import server_at
from bot.ports import Document
from tests.bench.table import Table, Target, percentile
from tests.support.bot import a_stack
from tests.support.opa import opa_binary

ATTACHED: Final = 10
DECISIONS: Final = 1000
WARMED_BY: Final = 100  #: decisions before those that are timed
AT_MOST: Final = 10.0  #: ms at p99
INTERRUPTIONS: Final = 3
BEYOND: Final = 1.0  #: seconds that an interruption may take on top of its bound

_SETTLED: Final = 4.0  #: seconds after which a file that did not change is not read

_PATTERN: Final = """package spacelift

import rego.v1

deny contains sprintf("%s is for admins (rule {number})", [input.request.command]) if {{
	not input.session.admin
	regex.match(`^terraform (destroy|state rm|force-unlock|import)( .*)?$`,
		input.request.command)
}}

deny contains "Nobody does that on a Friday." if {{
	time.weekday(input.request.timestamp_ns) == "Friday"
	not "sre" in input.session.teams
	some label in input.stack.labels
	startswith(label, "production-{number}")
}}
"""
_ENDLESS: Final = """package spacelift

import rego.v1

deny contains "x" if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j < 0
}
"""


async def measure() -> Table:
    """Time decisions of many policies, also while another policy does not end."""
    async with _policies() as (client, policies, attached, endless):
        await _decisions(policies, attached, WARMED_BY)
        floor = [await _heard(client) for _ in range(DECISIONS)]
        quiet = await _decisions(policies, attached, DECISIONS)
        late = [await _interruption(policies, endless) for _ in range(INTERRUPTIONS)]
        beside = await _beside(policies, attached, endless)
    return Table(
        title=f"Policies: one decision of {ATTACHED} attached, ms",
        columns=("", "times", "p50", "p99"),
        rows=(
            _row("OPA says only that it is there", floor),
            _row("a decision", quiet),
            _row("a decision beside an endless policy", beside),
        ),
        targets=(
            Target(
                name="p99 of a decision",
                measured=percentile(quiet, 99),
                at_most=AT_MOST,
                unit=" ms",
            ),
            Target(
                name=f"an endless policy is interrupted after {LIMIT:g} s and",
                measured=max(late) - LIMIT,
                at_most=BEYOND,
                unit=" s",
            ),
        ),
    )


@asynccontextmanager
async def _policies() -> AsyncIterator[
    tuple[OpaClient, OpaPolicies, Sequence[Policy], Policy]
]:
    opa = await asyncio.to_thread(opa_binary)
    with TemporaryDirectory() as folder:
        texts = [_PATTERN.format(number=number) for number in range(ATTACHED)]
        *attached, endless = (
            _written(Path(folder, f"{number}.rego"), text)
            for number, text in enumerate([*texts, _ENDLESS])
        )
        async with server_at(str(opa), Path(folder)) as server:
            await server.ready()
            await asyncio.sleep(_SETTLED)
            yield server.client, OpaPolicies(server), attached, endless


def _written(path: Path, text: str) -> Policy:
    path.write_text(text)
    return Policy(name=path.name, path=path)


async def _heard(client: OpaClient) -> float:
    """Return how long a question took, in ms, of which OPA has nothing to think."""
    began = time.perf_counter()
    if not await client.answers():
        raise AssertionError(client.address)
    return (time.perf_counter() - began) * 1000


async def _decisions(
    policies: OpaPolicies, attached: Sequence[Policy], count: int
) -> list[float]:
    """Return how long each of *count* decisions took, in ms."""
    document = _document()
    await _decide(policies, attached, document)
    return [await _decide(policies, attached, document) for _ in range(count)]


async def _decide(
    policies: OpaPolicies, attached: Sequence[Policy], document: Document
) -> float:
    began = time.perf_counter()
    kinds = await asyncio.gather(*map(policies.kind, attached))
    rulings = await policies.rulings(attached, document)
    took = (time.perf_counter() - began) * 1000
    if not all(it.denies for it in kinds) or not all(it.deny for it in rulings):
        raise AssertionError(rulings)
    return took


async def _interruption(policies: OpaPolicies, endless: Policy) -> float:
    """Return after how many seconds a policy without end was given up."""
    began = time.perf_counter()
    ruling = await policies.rule(endless, _document())
    took = time.perf_counter() - began
    if not ruling.failed:
        raise AssertionError(ruling)
    return took


async def _beside(
    policies: OpaPolicies, attached: Sequence[Policy], endless: Policy
) -> list[float]:
    """Return how long decisions took in ms while another policy did not end."""
    endlessly = asyncio.create_task(_interruption(policies, endless))
    took: list[float] = []
    while not endlessly.done():
        took += await _decisions(policies, attached, 10)
    await endlessly
    return took


def _document() -> Document:
    session = Session(login="U0ANN", name="Ann", teams=("platform", "oncall"))
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    stack = a_stack(labels=("production-7", "network", "eu"))
    command = "terraform state rm module.network.aws_vpc.main"
    return task_document(command, session, at, Situation(stack=stack))


def _row(name: str, took: Sequence[float]) -> tuple[str, ...]:
    return (
        name,
        str(len(took)),
        f"{percentile(took, 50):.1f}",
        f"{percentile(took, 99):.1f}",
    )
