"""A parameter that does not do what it seems to is told, with its file and line."""

import pytest

from bot.catalog.cautions import cautions
from tests.unit.catalog.conftest import Write, a_config

PRESET = """
presets:
  go:
    command: |-
      {command}
    parameters:
      x: {{pattern: ".*"}}
      n: {{integer: {{}}, default: 1}}
"""
UNKNOWN = (
    "names $PARAM_Y, which no parameter of the preset sets; correct the name, or add "
    "the parameter"
)
UNUSED = (
    'does not name "$PARAM_X", so that the parameter x is for nothing, unless what it '
    "calls reads that variable"
)
BARE = (
    "has $PARAM_X outside of double quotes, where a shell splits its value into words; "
    'write "$PARAM_X"'
)
LITERAL = (
    "has $PARAM_X in single quotes, where it is not replaced; put it into double quotes"
)


def told(write: Write, command: str, *, env: str = "{}") -> list[str]:
    """Return the cautions about *command*, which has to be about n as well."""
    command = command.replace("\n", "\n      ")
    path = write(a_config(f"{PRESET.format(command=command)}env: {env}"))
    place = f"{path}:11:18: stacks.net-prod.presets.go.command: "
    assert all(it.startswith(place) for it in cautions(path))
    return [it.removeprefix(place) for it in cautions(path)]


@pytest.mark.parametrize(
    "command",
    [
        './go "$PARAM_X" "$PARAM_N"',
        './go "${PARAM_X}" "${PARAM_N}"',
        './go "--name=$PARAM_X" --times=$PARAM_N',
        './go "${PARAM_X:-none}" "${#PARAM_X}" "$PARAM_N"',
        "./go 'it is' \"$PARAM_X\" $PARAM_N",
        './go "it\'s $PARAM_X" $PARAM_N',
        './go "\\"$PARAM_X\\"" $PARAM_N',
        './go "$(echo "$PARAM_X" | tr a b)" $PARAM_N',
        './go "$(echo "(" "$PARAM_X")" $PARAM_N',
        './go "$( (true) && echo "$PARAM_X")" $PARAM_N',
        'name=$PARAM_X\n./go "$name" $PARAM_N',
        "# it's a comment\n./go \"$PARAM_X\" $PARAM_N # don't",
        "sh -c './go \"$PARAM_X\"' $PARAM_N",
        "sh -ec './go \"$PARAM_X\"' $PARAM_N",
        "awk 'BEGIN {print ENVIRON[\"PARAM_X\"]}' $PARAM_N",
        "cat <<END\nit's $PARAM_X $PARAM_N\nEND",
        'echo \\$PARAM_X "$PARAM_X" a#b $PARAM_N',
        'case "$PARAM_X" in a) ./a;; *) ./b $PARAM_N;; esac',
    ],
)
def test_a_command_that_works_as_meant_gives_no_caution(
    write: Write, command: str
) -> None:
    assert told(write, command) == []


@pytest.mark.parametrize(
    ("command", "sentences"),
    [
        ('./go "$PARAM_X" "$PARAM_Y" $PARAM_N', [UNKNOWN]),
        ('./go "$PARAM_X" "${PARAM_Y}" "$PARAM_Y" $PARAM_N', [UNKNOWN]),
        ('./go "$PARAM_XY" $PARAM_N', [UNKNOWN.replace("_Y", "_XY"), UNUSED]),
        ("./go $PARAM_N", [UNUSED]),
        ("./go $PARAM_X $PARAM_N", [BARE]),
        ("./go ${PARAM_X} --name=$PARAM_X $PARAM_N", [BARE]),
        ("./go name=$PARAM_X $PARAM_N", [BARE]),
        ("./go a#b $PARAM_X $PARAM_N", [BARE]),
        ('./go "a"$PARAM_X"b" $PARAM_N', [BARE]),
        ('./go "$(echo $PARAM_X)" $PARAM_N', [BARE]),
        ("./go '$PARAM_X' $PARAM_N", [LITERAL]),
        ("./go '$PARAM_X' \"$PARAM_X\" $PARAM_X $PARAM_N", [LITERAL, BARE]),
        (
            './go "$PARAM_X $PARAM_N',
            ['opens a quote (") that is never closed; close it'],
        ),
        (
            './go "$PARAM_X" $PARAM_N don\'t',
            ["opens a quote (') that is never closed; close it"],
        ),
    ],
)
def test_a_parameter_that_does_not_do_what_it_seems_to_is_told(
    write: Write, command: str, sentences: list[str]
) -> None:
    assert told(write, command) == sentences


def test_a_variable_that_the_file_sets_itself_is_known(write: Write) -> None:
    command = './go "$PARAM_X" "$PARAM_Y" $PARAM_N'

    assert told(write, command, env="{PARAM_Y: y}") == []


def test_a_preset_of_a_context_is_told_once_where_it_stands(write: Write) -> None:
    path = write(
        a_config(top="contexts: {eu: {presets: {go: {command: echo $PARAM_Y}}}}")
    )

    assert cautions(path) == [
        f"{path}:10:41: contexts.eu.presets.go.command: {UNKNOWN}"
    ]
