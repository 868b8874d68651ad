"""A value reaches a preset's command only if its parameter allows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.control.parameters import LONGEST, checked, fault, faults
from bot.domain.errors import Refusal, Refused
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset


def a_preset(*parameters: Parameter) -> Preset:
    return Preset(
        name="restart",
        command="./restart.sh",
        parameters={it.name: it for it in parameters},
    )


SERVICE = Parameter(name="service", kind=Choice(of=("api", "web")))
TICKET = Parameter(name="ticket", kind=Pattern(pattern="OPS-[0-9]+"))
COUNT = Parameter(name="count", kind=Integer(least=1, most=9), default="2")
RESTART = a_preset(SERVICE, TICKET, COUNT)


def test_what_fits_is_taken_and_what_is_left_out_is_as_by_default() -> None:
    values = checked(RESTART, {"ticket": "OPS-7", "service": "api"})

    assert list(values.items()) == [
        ("service", "api"),
        ("ticket", "OPS-7"),
        ("count", "2"),
    ]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        checked(RESTART, {"servce": "api", "ticket": "7", "count": "12"})

    assert refused.value.reason is Refusal.BAD_COMMAND
    assert str(refused.value) == (
        "`!restart` has no parameter 'servce'; did you mean `service`? `service` is "
        "missing; write service='api'. `ticket` cannot be '7'; write what "
        "`OPS-[0-9]+` matches as a whole. `count` cannot be '12'; write a whole "
        "number from 1 to 9."
    )


def test_a_fault_is_known_by_the_name_of_its_parameter() -> None:
    assert faults(RESTART, {"service": "db", "ticket": "OPS-1"}) == {
        "service": "`service` cannot be 'db'; write one of 'api', 'web'."
    }


def test_a_preset_without_parameters_takes_none() -> None:
    assert checked(a_preset(), {}) == {}
    assert faults(a_preset(), {"x": "1"}) == {
        "x": "`!restart` has no parameter 'x'; it has none."
    }


def test_a_missing_value_is_shown_by_one_that_fits_if_there_is_one() -> None:
    numbers = a_preset(
        Parameter(name="a", kind=Integer(most=-3)),
        Parameter(name="b", kind=Integer()),
        TICKET,
    )

    assert list(faults(numbers, {}).values()) == [
        "`a` is missing; write a=-3.",
        "`b` is missing; write b=1.",
        "`ticket` is missing; write ticket=….",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "$(rm -rf /)",
        "api\n",
        "api\nweb",
        "api'",
        '"api"',
        "API",
        " api",
        "",
        "api;web",
    ],
)
def test_only_the_very_texts_of_a_choice_fit(value: str) -> None:
    assert fault(SERVICE, value)


@pytest.mark.parametrize("value", ["OPS-7\n", "OPS-7; ls", "xOPS-7", "$(OPS-7)", ""])
def test_a_pattern_has_to_match_the_whole_value(value: str) -> None:
    assert fault(TICKET, value)


def test_a_line_end_fits_only_a_pattern_that_matches_it() -> None:
    def of(pattern: str) -> Parameter:
        return Parameter(name="text", kind=Pattern(pattern=pattern))

    assert fault(of(".*"), "a\nb") == (
        "`text` cannot be 'a\\nb'; write what `.*` matches as a whole."
    )
    assert fault(of("[a-z\n]*"), "a\nb") == ""
    assert fault(of("(?s).*"), "a\nb") == ""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Integer(), "0"),
        (Integer(), "-5"),
        (Integer(least=-5, most=-5), "-5"),
        (Integer(most=3), "-9999999999999999999"),
        (Integer(least=3), "3"),
    ],
)
def test_a_whole_number_within_its_ends_fits(kind: Integer, value: str) -> None:
    assert fault(Parameter(name="count", kind=kind), value) == ""


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Integer(), "1.0", "write a whole number."),
        (Integer(), "010", "write a whole number."),
        (Integer(), "-0", "write a whole number."),
        (Integer(), "+1", "write a whole number."),
        (Integer(), "1_000", "write a whole number."),
        (Integer(), " 1", "write a whole number."),
        (Integer(), "1\n", "write a whole number."),
        (Integer(), "\uff11", "write a whole number."),
        (Integer(), "", "write a whole number."),
        (Integer(), "9" * 20, "write a whole number."),
        (Integer(least=2), "1", "write a whole number of at least 2."),
        (Integer(most=2), "3", "write a whole number of at most 2."),
        (Integer(least=0, most=2), "3", "write a whole number from 0 to 2."),
    ],
)
def test_what_is_no_whole_number_within_its_ends_is_told(
    kind: Integer, value: str, said: str
) -> None:
    assert fault(Parameter(name="count", kind=kind), value).endswith(said)


ANYTHING = Parameter(name="text", kind=Pattern(pattern=r"(?s:.*)"))


def test_a_value_has_at_most_a_thousand_characters() -> None:
    assert fault(ANYTHING, "é" * LONGEST) == ""
    assert fault(ANYTHING, "a" * 10_000) == (
        "`text` has 10,000 characters; 1,000 are the most that it may have."
    )


@pytest.mark.parametrize("value", ["a\0b", "\ud83d"])
def test_what_no_variable_can_hold_is_refused(value: str) -> None:
    assert fault(ANYTHING, value) == (
        "`text` holds a character that no variable can hold; leave it out."
    )


def test_a_long_value_and_a_long_choice_are_told_in_part() -> None:
    many = Parameter(name="zone", kind=Choice(of=tuple(f"z{it}" for it in range(20))))

    said = fault(many, "x" * 999)

    assert said == (
        f"`zone` cannot be '{'x' * 39}…'; write one of 'z0', 'z1', 'z2', 'z3', 'z4', "
        "'z5', 'z6', 'z7', 'z8', 'z9', 'z10', 'z11', …."
    )


@given(value=st.text(max_size=30))
def test_whatever_is_said_is_told_in_one_line(value: str) -> None:
    said = [fault(it, value) for it in (*RESTART.parameters.values(), ANYTHING)]

    assert all(line.isprintable() for line in said)
