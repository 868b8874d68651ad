"""`handrail demo` as a newcomer runs it: real Terraform, real containers."""

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.command_line import Ended, Process, handrail, started
from tests.support.docker import clear_away, containers_of

LIST = "sample terraform state list"
NETWORK = "terraform_data.network\n"


class Demo:
    """The demo of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    @property
    def installation(self) -> str:
        return (self._data_dir / "demo" / "installation").read_text()

    def page(self) -> Any:
        return started("demo", HANDRAIL_DATA_DIR=str(self._data_dir))

    async def task(self, text: str) -> Ended:
        return await handrail(
            "demo", "--task", text, HANDRAIL_DATA_DIR=str(self._data_dir)
        )


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    if (tmp_path / "demo" / "installation").exists():
        assert clear_away(demo.installation) == []


async def test_a_task_is_told_to_its_end_and_changes_what_the_next_one_finds(
    demo: Demo,
) -> None:
    first = await demo.task(LIST)
    removed = await demo.task("sample terraform state rm terraform_data.network")
    second = await demo.task(LIST)

    assert first.code == 0, first.err
    assert "@ann runs exactly this, after the stack's init:" in first.out
    assert "finished, exit code 0, after" in first.out
    assert NETWORK in first.out
    assert "Removed terraform_data.network" in removed.out
    assert (second.code, second.err) == (0, "")
    assert NETWORK not in second.out
    assert "terraform_data.database" in second.out


async def test_a_command_that_fails_is_told_with_its_exit_code_and_no_secret(
    demo: Demo,
) -> None:
    done = await demo.task('sample --no-init echo "it is $DB_PASSWORD"; exit 3')

    assert done.code == 1
    assert "failed: the command failed, exit code 3" in done.out
    assert "it is *****" in done.out
    assert "correct-horse" not in done.out + done.err


async def test_what_the_state_marks_as_sensitive_is_masked(demo: Demo) -> None:
    done = await demo.task("sample terraform output -json")

    assert done.code == 0, done.err
    assert '"value": "*****"' in done.out
    assert "cd82607c-abbc" not in done.out


async def test_a_task_on_no_stack_is_refused_with_the_nearest(demo: Demo) -> None:
    done = await demo.task("simple terraform state list")

    assert done.code == 1
    assert "There is no stack 'simple'. Did you mean sample?" in done.out
    assert done.err == ""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_of_the_demo_leaves_no_container_process_or_lock(
    demo: Demo, told: signal.Signals
) -> None:
    async with demo.page() as page:
        await performing(page, "sample --no-init sleep 60")
        assert len(containers_of(demo.installation)) == 1

        beside = await demo.task(LIST)
        code = await page.told(told)

        assert code == 0
        assert not page.leaves_processes
    assert beside.code == 1
    assert "end it with Ctrl-C first" in beside.err
    assert containers_of(demo.installation) == []
    assert (await demo.task("sample --no-init true")).code == 0


async def performing(page: Process, task: str) -> None:
    """Type *task* into the page and wait until it performs."""
    found = re.search(r"http://\S+", await page.says("The workspace is at"))
    assert found is not None
    async with aiohttp.ClientSession(found[0]) as http:
        async with http.get("/sandbox/state") as answer:
            seen = await answer.json()
        ann = next(one["id"] for one in seen["people"] if one["name"] == "ann")
        channel = seen["channels"][0]["id"]
        async with http.get("/sandbox/updates", params={"as": ann}) as updates:
            typed = {"text": f"/task {task}", "as": ann, "channel": channel}
            async with http.post("/sandbox/slash", json=typed) as answer:
                assert await answer.json() == {"ok": True}
            async for line in updates.content:
                if b"sample \\u00b7 performing" in line:
                    return
    raise AssertionError("it never performed")
