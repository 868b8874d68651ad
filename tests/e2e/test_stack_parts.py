"""What a stack is made of, from handrail.yaml to the container."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.catalog.load import load
from bot.domain.run import RunState
from bot.domain.stack import Stack, StackName
from tests.support.docker import busybox_image
from tests.support.docker_bot import a_docker_bot, told


def stack_of(tmp_path: Path, text: str) -> Stack:
    """Return net-prod as *text*, a handrail.yaml without its head, describes it."""
    path = tmp_path / "handrail.yaml"
    head = "version: 1\nworkspace: T0SANDBOX\n"
    path.write_text(head + text.replace("IMAGE", f'"{busybox_image()}"'))
    stack = load(path).stacks[StackName("net-prod")]
    return replace(stack, writers=())  # those of the test's workspace


CONTEXTS = """
defaults: {image: IMAGE, network: none, writers: [U0ANN], env: {WHO: defaults, A: a}}
contexts:
  early:
    env: {WHO: early, B: early}
    files: {conf/early.txt: {file: ./early.txt, secret: false}}
    hooks: {before_init: "echo early before init", after_init: "echo early after init"}
  late:
    env: {WHO: late, B: late, C: late}
    secrets: {TOKEN: {env: NET_TOKEN}}
    hooks:
      before_init: echo late before init
      before_perform: echo late before perform
      after_perform: echo late after perform
stacks:
  net-prod:
    contexts: [early, late]
    env: {C: stack}
    init: export MADE=in-init; echo init
    hooks:
      after_init: echo stack after init
      after_perform: echo stack after perform
      after_run: 'echo "after run: $HANDRAIL_FINAL_STATE"'
"""


async def test_contexts_and_hooks_come_in_their_order_and_the_nearest_wins(
    tmp_path: Path,
) -> None:
    (tmp_path / "early.txt").write_text("a file of a context\n")
    async with a_docker_bot(tmp_path, stack_of(tmp_path, CONTEXTS)) as bot:
        bot.environ["NET_TOKEN"] = "s3cret-token-value"
        seen = await told(bot, "echo $WHO $A $B $C $MADE $TOKEN; cat conf/early.txt")

        assert seen.run.state is RunState.FINISHED
        assert seen.output.decode().splitlines() == [
            *("early before init", "late before init", "init"),
            *("stack after init", "early after init"),
            *("late before perform", "late a late stack in-init *****"),
            *("a file of a context", "stack after perform", "late after perform"),
            "after run: finished",
        ]


async def test_without_init_all_other_hooks_run(tmp_path: Path) -> None:
    (tmp_path / "early.txt").write_text("")
    async with a_docker_bot(tmp_path, stack_of(tmp_path, CONTEXTS)) as bot:
        bot.environ["NET_TOKEN"] = "s3cret-token-value"
        seen = await told(bot, "false --no-init")

        assert seen.run.exit_code == 1
        assert seen.output.decode().splitlines() == [
            "late before perform",
            "after run: failed",
        ]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare repository with one commit: net/prod/main.tf."""
    work, bare = tmp_path / "work", tmp_path / "infra.git"
    (work / "net" / "prod").mkdir(parents=True)
    (work / "net" / "prod" / "main.tf").write_text("# from git\n")
    git = ("git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *words], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    return bare


def commit_of(repository: Path) -> str:
    """Return the commit of the branch main."""
    head = ["git", "-C", str(repository), "rev-parse", "main"]
    return subprocess.check_output(head, text=True).strip()


async def test_a_git_source_is_shown_with_its_commit(
    tmp_path: Path, repository: Path
) -> None:
    commit = commit_of(repository)
    stack = stack_of(
        tmp_path,
        f"""
stacks:
  net-prod:
    image: IMAGE
    network: none
    writers: [U0ANN]
    source: {{git: "file://{repository}", ref: main, path: net/prod}}
""",
    )
    async with a_docker_bot(tmp_path, stack) as bot:
        seen = await told(bot, "pwd; cat main.tf")

        assert seen.output == b"/mnt/workspace/source/net/prod\n# from git\n"
        assert seen.run.commit == commit
        await bot.shows(seen.ts, f"commit `{commit[:10]}`")


async def test_a_persistent_workspace_keeps_state_and_drops_source_that_is_gone(
    tmp_path: Path,
) -> None:
    tree = tmp_path / "net"
    tree.mkdir()
    (tree / "old.tf").write_text("old")
    (tree / "main.tf").write_text("main")
    stack = stack_of(
        tmp_path,
        """
stacks:
  net-prod:
    {image: IMAGE, network: none, writers: [U0ANN], source: {dir: ./net},
     workspace: persistent}
""",
    )
    async with a_docker_bot(tmp_path, stack) as bot:
        first = await told(bot, "echo 1 > terraform.tfstate; ls")
        (tree / "old.tf").unlink()
        second = await told(bot, "ls; cat terraform.tfstate")

        assert first.output.split() == [b"main.tf", b"old.tf", b"terraform.tfstate"]
        assert second.output.split() == [b"main.tf", b"terraform.tfstate", b"1"]
