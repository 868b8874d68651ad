"""`check`: all that is wrong with a file, and all that a run would not find."""

from pathlib import Path

from bot.catalog.load import check
from tests.unit.catalog.conftest import Write, a_config


def told(path: Path, environ: dict[str, str]) -> list[str]:
    return [str(it).replace(f"{path.parent}/", "") for it in check(path, environ)]


def test_a_good_file_with_all_its_values_has_no_problem(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("k")
    path = write(a_config("secrets: {A: {env: A}}\nfiles: {k: {file: ./key}}"))

    assert told(path, {"A": "1"}) == []


def test_missing_secrets_and_files_are_told_with_their_lines(write: Write) -> None:
    path = write(
        a_config(
            """
            secrets:
              A: {env: NET_A}
              B: {command: [no-such-program]}
            files: {k: {file: ./key}}
            """
        )
    )

    assert told(path, {"PATH": "/usr/bin:/bin"}) == [
        (
            "handrail.yaml:10:10: stacks.net-prod.secrets.A: the environment "
            "variable NET_A is not set; set it where the bot starts"
        ),
        (
            "handrail.yaml:11:10: stacks.net-prod.secrets.B: the program "
            "no-such-program is not found; install it, or write its whole path"
        ),
        (
            "handrail.yaml:12:16: stacks.net-prod.files.k: the file key does not "
            "exist; put a file there that the bot may read"
        ),
    ]


def test_a_mistake_elsewhere_does_not_hide_a_missing_secret(write: Write) -> None:
    path = write(a_config("colour: red\nsecrets: {A: {env: A}, B: b}"))

    assert [problem.where for problem in check(path, {})] == [
        "stacks.net-prod.colour",
        "stacks.net-prod.secrets.A",
        "stacks.net-prod.secrets.B",
    ]


def test_only_contexts_that_a_stack_has_need_their_secrets(write: Write) -> None:
    contexts = "contexts:\n  {}: {{secrets: {{A: {{env: A}}}}}}\n"
    top = contexts.format("one") + contexts.format("two").removeprefix("contexts:\n")

    path = write(a_config("contexts: [two]", top=top))

    assert [problem.where for problem in check(path, {})] == ["contexts.two.secrets.A"]


def test_what_is_not_yaml_is_a_problem_like_any_other(write: Write) -> None:
    assert told(write("a: @x"), {}) == [
        "handrail.yaml:1:4: a text that begins with @ has to be in quotes"
    ]
