"""An entry of an allow list lets through what it writes, and nothing behind it."""

import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from bot.control.allow_list import METACHARACTERS, fault, matches

#: Parts of patterns that write no metacharacter, though many stand for them.
PARTS = (
    "terraform plan",
    " ",
    "a",
    "é",
    ".",
    ".*",
    ".+",
    "[^a]",
    "[^a]*",
    "[^;]*",
    r"[^\w;]*",
    "[ -~]*",
    r"[\x00-\x{10FFFF}]*",
    r"[!-/:-@]+",
    r"\s+",
    r"\S*",
    r"\W*",
    r"\D*",
    r"[\S\s]*",
    r"[\W\d]+",
    r"\pP*",
    r"\PL*",
    r"\p{^Greek}*",
    r"\P{^Greek}*",
    r"[\PL]*",
    r"\p{Any}*",
    "[[:punct:]]*",
    "[[:^alpha:]]*",
    "[^[:alpha:]]*",
    "[[:ascii:]]+",
    r"\C*",
    "(?s).*",
    "(?s:.*)",
    "(?i)[^b]*",
    "(?P<rest>.*)",
    "(?:a|.*)",
    "(.*)?",
    ".{0,9}",
    ".*?",
    r"\b",
    "^",
    "$",
    r"\z",
    r"\Qa.b\E",
)
ENTRIES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join)
TAILS = st.text(alphabet=METACHARACTERS + "a b-é=", max_size=12)
SIGNS = st.sampled_from(METACHARACTERS)


@given(entry=ENTRIES, head=TAILS, sign=SIGNS, tail=TAILS)
def test_no_sign_of_the_shell_passes_an_entry_that_does_not_write_it(
    entry: str, head: str, sign: str, tail: str
) -> None:
    for start in ("", "terraform plan"):
        assert not matches(entry, f"{start}{head}{sign}{tail}")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_that_stands_for_much_stands_for_no_sign(part: str) -> None:
    for sign in (*METACHARACTERS, "$("):
        assert not matches(f".*{part}.*", f"terraform plan{sign}rm -rf /")
        assert not matches(f".*{part}.*", sign)


@given(entry=ENTRIES, command=st.text(alphabet="terafom pln-=é.b1Ω", max_size=20))
def test_a_command_without_such_signs_is_allowed_as_re2_says(
    entry: str, command: str
) -> None:
    is_match = bool(re2.fullmatch(entry, command)) if not fault(entry) else False

    assert matches(entry, command) == is_match


@given(entry=st.text(max_size=20), command=st.text(max_size=20))
def test_whatever_is_written_never_allows_more_than_re2_does(
    entry: str, command: str
) -> None:
    if matches(entry, command):
        assert re2.fullmatch(entry, command)


#: All signs of RE2's syntax but the backslash, by which a sign is written otherwise.
SYNTAX = st.text(alphabet="ab1;|&.*+?()[]{}^$-:<>#,'", max_size=12)


@given(entry=SYNTAX, command=st.text(alphabet=METACHARACTERS + "ab1", max_size=6))
def test_any_syntax_lets_only_those_signs_through_that_stand_in_it(
    entry: str, command: str
) -> None:
    if matches(entry, command):
        assert {it for it in command if it in METACHARACTERS} <= set(entry)


@given(command=st.text(alphabet=METACHARACTERS + "ab é-\t", max_size=30))
def test_an_entry_that_writes_a_command_sign_by_sign_allows_it(command: str) -> None:
    assert matches(re.escape(command), command)
    assert matches("".join(rf"\x{{{ord(it):x}}}" for it in command), command)
    assert matches(rf"\Q{command}\E", command) or "\\" in command


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ("terraform state list", "terraform state list"),
        ("^terraform state list$", "terraform state list"),
        ("terraform (plan|validate)( -.*)?", "terraform plan -target=net.a"),
        (r"terraform state show '[\w.\[\]]+'", "terraform state show 'net.a[0]'"),
        ("terraform plan; echo done", "terraform plan; echo done"),
        (r"terraform plan \| tee .*", "terraform plan | tee plan.txt"),
        ("echo [a;]+", "echo a;a"),
        (r"echo [\W;]+", "echo -;-"),
        (r"echo a\nls", "echo a\nls"),
        ("echo []a]+", "echo ]a"),
        (r"echo \x3b", "echo ;"),
        (r"echo \073", "echo ;"),
        ("a{,3}", "a{,3}"),
        ("(?i)terraform plan", "Terraform PLAN"),
    ],
)
def test_an_entry_allows_what_it_writes(entry: str, command: str) -> None:
    assert matches(entry, command)


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ("terraform state list", "terraform state list -id=x"),
        ("terraform state list", " terraform state list"),
        ("^terraform state list", "terraform state list; rm -rf /"),
        ("terraform state list.*", "terraform state list; rm -rf /"),
        ("terraform state list.*", "terraform state list\nrm -rf /"),
        (r"terraform\s+plan", "terraform\nplan"),
        ("terraform show '.*'", "terraform show ''; rm -rf ''"),
        ("terraform show '.*' && ls", "terraform show '' && rm '' && ls"),
        ("terraform plan; .*", "terraform plan; ls; rm"),
        ("(?m)^terraform plan$", "terraform plan\nrm -rf /"),
        (r"echo [^;]*", "echo a & b"),
        (r"echo [!-/]", "echo !"),
        ("echo ?", "echo ?"),
        ("[", "["),
        (".*", "\ufdd0"),
        ("(\ufdd0|.)", ";"),
        (r"(\x{FDD0}|.)", ";"),
        (r"([\x{FDD0}-\x{FDEF}]|.)", ";"),
        (".*", "\ud800"),
    ],
)
def test_an_entry_allows_nothing_that_it_does_not_write(
    entry: str, command: str
) -> None:
    assert not matches(entry, command)


def test_what_re2_cannot_compile_is_told_in_its_words() -> None:
    assert fault("terraform [a") == "missing ]: [a"
    assert fault("(?=terraform)") == "invalid perl operator: (?="
    assert fault("\ud800") == "half of a character"
    assert fault("terraform (plan|show)") == ""


def test_a_pattern_that_is_slow_elsewhere_is_answered_at_once() -> None:
    assert not matches("(a+)+b", "a" * 50_000)
