"""The served document, held against what the running bot answers."""

import asyncio
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.scripted import ScriptedEngine
from tests.contract.api.asking import NET, Api

ROOT = Path(__file__).parents[3]
SEED = 4
SECONDS = 60

#: Keys are asked for, at the price of being limited: see test_authentication.py. What
#: violates the document is refused, and what does not may mean nothing all the same (a
#: quote that is not closed): see test_reading.py; the hooks put right what is wrong.
NOT_HERE = "ignored_auth,negative_data_rejection,positive_data_acceptance"


async def settled(api: Api) -> None:
    """End outside runs that nobody ends, so that every stream of events ends."""
    old = timedelta(seconds=2)
    while True:
        for run in (await api.get("/runs?type=tracked&limit=200")).json["runs"]:
            if datetime.now(UTC) - datetime.fromisoformat(run["created_at"]) < old:
                continue
            if run["state"] in {"queued", "ready"}:
                await api.post(f"/runs/{run['id']}/stop")
            if run["state"] == "performing":
                end = {"fence": run["fence"], "exit_code": 0}
                await api.post(f"/runs/{run['id']}/finish", end)
        await asyncio.sleep(0.5)


async def schemathesis(api: Api, folder: Path) -> tuple[int, str]:
    """Run Schemathesis over the served document; return its exit code and words."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "run", f"{api.url}/api/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {api.keys['ci']}"),
        *("--seed", str(SEED), "--max-examples", "10", "--max-time", str(SECONDS)),
        *("--exclude-checks", NOT_HERE, "--request-timeout", "20"),
        *("--no-color", "--no-shrink", "--workers", "1"),
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.contract.api.schemathesis_hooks",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


@pytest.mark.timeout(240)
async def test_no_request_makes_it_fail_or_answer_what_the_document_does_not_say(
    api: Api, engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.prepare("cat", "größer\n".encode() * 1_000)
    await api.ends((await api.task("cat"))["id"])
    await api.post("/tracked-runs", {"stack": NET, "command": "terraform apply"})
    settling = asyncio.create_task(settled(api))

    code, printed = await schemathesis(api, tmp_path)

    settling.cancel()
    with suppress(asyncio.CancelledError):
        await settling
    print(printed)
    assert code == 0, printed
    assert f"Seed: {SEED}" in printed
    assert "15 selected / 15 total" in printed
