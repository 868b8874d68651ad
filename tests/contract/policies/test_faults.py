"""What is said of policies that cannot be used, and where that is in their files."""

from hashlib import sha256

import pytest

from bot.domain.errors import PolicyUnavailable
from tests.contract.policies.asking import Asked

ONE_SYNTAX = (
    "Write import rego.v1 below the package, and all of the file in the syntax of 1.x, "
    'as in deny contains "why" if { … }.'
)


@pytest.mark.parametrize(
    ("text", "row", "column", "message"),
    [
        (
            'package spacelift\n\ndeny contains "x" if {\n\tinput.a ==\n}\n',
            *(5, 1, "unexpected } token"),
        ),
        (
            'package spacelift\n\ndeny["x"] {\n\tinput.a ==\n}\n',
            *(5, 1, "unexpected } token"),
        ),
        (
            'package spacelift\n\ndeny["x"] { input.a == unknown(1) }\n',
            *(3, 24, "undefined function unknown"),
        ),
        (
            'package spacelift\n\ndeny contains "x" if data.spacelift.f(1)\n',
            *(3, 22, "undefined function data.spacelift.f"),
        ),
        (
            'package spacelift\n\ndeny contains "x" if input.a == y\n',
            *(3, 22, "var y is unsafe"),
        ),
        (
            'package spacelift\n\ndeny contains "x" if deny.x\n',
            *(3, 1, "rule data.spacelift.deny is recursive"),
        ),
        (
            'package spacelift.deeper\n\ndeny["x"] { true }\n',
            *(1, 1, "The package has to be spacelift or handrail; it is spacelift.d"),
        ),
        ('deny["x"] { true }\n', 1, 1, "The package has to be spacelift or handrail"),
        ("", 1, 1, "The package has to be spacelift or handrail; it has none."),
        (
            'package spacelift\n\ndenny["x"] { true }\n',
            *(1, 1, "It has none of the rules that Handrail asks for: deny, approve"),
        ),
        (
            "package spacelift\n\nimport rego.v1\n\ndeny { input.a }\n",
            *(5, 1, "`if` keyword is required before rule body"),
        ),
        (
            "package spacelift\n\nfine { true }\n\ndeny { input.a }\n",
            *(5, 1, "deny has to be a set of sentences, as in deny contains "),
        ),
        (
            "package spacelift\n\napprove[x] { x := 1 }\n",
            *(3, 1, "approve has to be true or false."),
        ),
        (
            "package spacelift\n\nf(x) := x\n\ndeny(x) := x\n",
            *(5, 1, "deny is a function; it has to be a rule."),
        ),
    ],
)
async def test_a_fault_is_told_with_its_place(
    asked: Asked, text: str, row: int, column: int, message: str
) -> None:
    found = await asked.faults(text)

    assert found[0][:2] == (row, column)
    assert found[0][2].startswith(message)


@pytest.mark.parametrize(
    ("text", "row", "message"),
    [
        (
            'deny["x"] { input.a }\n\napprove if { input.b }\n',
            5,
            (
                "var cannot be used for rule name: the file was read in the syntax of "
                f"OPA 0.x, and a part of it is in that of 1.x. {ONE_SYNTAX}"
            ),
        ),
        (
            "approve if { input.b }\n\nreject { input.a }\n",
            5,
            (
                "`if` keyword is required before rule body: the file was read in the "
                f"syntax of OPA 1.x, and a part of it is in that of 0.x. {ONE_SYNTAX}"
            ),
        ),
        ("reject { input.a }\n\napprove { ] }\n", 5, "unexpected ] token"),
        ("reject if { input.a }\n\napprove if { ] }\n", 5, "unexpected ] token"),
    ],
)
async def test_a_mix_of_both_syntaxes_is_told_as_one(
    asked: Asked, text: str, row: int, message: str
) -> None:
    found = await asked.faults(f"package spacelift\n\n{text}")

    assert found[0][0] == row
    assert found[0][2].startswith(message)
    assert ("was read in" in found[0][2]) == ("was read in" in message)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('http.send({"method": "get", "url": "http://x"})', "http.send"),
        ('net.lookup_ip_addr("localhost")', "net.lookup_ip_addr"),
        ("opa.runtime()", "opa.runtime"),
        ("time.now_ns()", "time.now_ns"),
        ('rand.intn("x", 5)', "rand.intn"),
        ('uuid.rfc4122("x")', "uuid.rfc4122"),
        ('rego.parse_module("x", "package x")', "rego.parse_module"),
        ('json.match_schema({}, {"$ref": "http://x"})', "json.match_schema"),
        ('trace("x")', "trace"),
        # in the place of a function that may be called
        ('count(["x"]) with count as opa.runtime', "count: arity"),
        ('f("x") with f as net.lookup_ip_addr', "net.lookup_ip_addr"),
        ("[x | x := time.now_ns()]", "time.now_ns"),
    ],
)
async def test_network_environment_clock_and_chance_are_refused(
    asked: Asked, call: str, name: str
) -> None:
    text = f"package spacelift\n\nf(x) := x\n\napprove if {{\n\t{call}\n}}\n"

    faults = await asked.faults(text)
    ruling = await asked.ruling(text)

    assert name in faults[0][2]
    assert faults[0][0] == 6
    assert ruling.failed
    assert not ruling.approves


@pytest.mark.parametrize(
    ("text", "row", "column", "message"),
    [
        (
            'deny["x"] { data[ "spacelift" ].bad }\nbad { true }',
            *(3, 13, "data.spacelift.bad is not there as it is written: one file is "),
        ),
        (
            'deny["x"] {\n\tdata[\n"spacelift"].bad\n}\nbad { true }',
            *(4, 2, "data.spacelift.bad is not there as it is written: one file is "),
        ),
        (
            'deny["x"] { data["\\u0073pacelift"].bad }\nbad { true }',
            *(3, 13, "data.spacelift.bad is not there as it is written: one file is "),
        ),
        (
            'deny["x"] { p := "spacelift"; data[p].bad }\nbad { true }',
            *(3, 31, "data[…].bad is not there: one file is one policy, and has "),
        ),
        (
            'deny["x"] { data.spacelift.bad; data[input.x].bad }\nbad { true }',
            *(3, 33, "data[…].bad is not there: one file is one policy, and has "),
        ),
        (
            'deny["x"] { data.banned[_] == input.command }',
            *(3, 13, "data.banned is not there: one file is one policy, and has "),
        ),
        (
            'import data.lib.ok as fine\ndeny["x"] { fine.now }',
            *(3, 8, "data.lib.ok.now is not there: one file is one policy, and has "),
        ),
        (
            'deny["x"] { data.handrail.approve }',
            *(3, 13, "data.handrail.approve is not there: one file is one policy"),
        ),
        (
            "deny[why] { why := data.lib.why }",
            *(3, 20, "data.lib.why is not there: one file is one policy, and has "),
        ),
        (
            "deny contains f(1) if input.x\nf(x) := 1 if { x > 1 } else := data.one",
            *(4, 32, "data.one is not there: one file is one policy, and has nothing"),
        ),
        (
            'deny contains "x" if count({y | some y in data.lib}) > 1',
            *(3, 43, "data.lib is not there: one file is one policy, and has nothing"),
        ),
        (
            'deny contains "x" if every y in data.lib { y > 1 }',
            *(3, 33, "data.lib is not there: one file is one policy, and has nothing"),
        ),
        (
            'deny["x"] { f(1) with data.lib.ok as 1 }\nf(x) { x }',
            *(3, 23, "data.lib.ok is not there: one file is one policy, and has "),
        ),
        (
            'deny["x"] { true with input.a as data.lib }',
            *(3, 34, "data.lib is not there: one file is one policy, and has nothing"),
        ),
        (
            'deny["x"] { data.handrail_policies.p_1.approve }',
            *(3, 13, "data.handrail_policies.p_1.approve is not there: one file "),
        ),
    ],
)
async def test_what_is_not_in_the_file_is_not_taken_for_undefined(
    asked: Asked, text: str, row: int, column: int, message: str
) -> None:
    policy = f"package spacelift\n\n{text}\n"

    faults = await asked.faults(policy)
    ruling = await asked.ruling(policy, x="spacelift", command="rm")

    assert [it[:2] for it in faults] == [(row, column)]
    assert faults[0][2].startswith(message)
    assert message in ruling.failed


async def test_what_is_to_be_written_instead_is_said(asked: Asked) -> None:
    head = "package handrail\n\nbad { true }\n"

    oddly = await asked.faults(f'{head}deny["x"] {{ data[ "handrail" ].bad }}')
    computed = await asked.faults(f'{head}deny["x"] {{ data[input.x].bad }}')
    elsewhere = await asked.faults(f'{head}deny["x"] {{ data.spacelift.bad }}')

    assert oddly[0][2].endswith(" Write data.handrail.bad, in one piece and like that.")
    assert computed[0][2].endswith(" Write data.handrail.name, with a rule's name.")
    assert elsewhere[0][2].endswith(" own rules. Write it into this file.")


async def test_data_of_an_opa_that_somebody_else_runs_is_refused_too(
    asked: Asked,
) -> None:
    client = asked.server.client
    assert await client.load("lib", "package lib\n\nok { true }\n") == ()

    faults = await asked.faults('package spacelift\n\ndeny["x"] { data.lib.ok }\n')

    await client.unload("lib")
    assert faults[0][2].startswith("data.lib.ok is not there: ")


async def test_what_is_called_data_and_is_not_is_no_fault(asked: Asked) -> None:
    text = """package spacelift

deny[why] {
    data := {"lib": input.data.lib}
    why := data.lib
}
"""

    ruling = await asked.ruling(text, data={"lib": "no"})

    assert ruling.deny == ("no",)


async def test_a_refused_function_is_not_kept_in_opa(asked: Asked) -> None:
    text = "package spacelift\napprove if time.now_ns() > 0"

    _ = await asked.ruling(text)

    home = f"handrail_policies.p_{sha256(text.encode()).hexdigest()[:32]}"
    assert await asked.server.client.ask(home, "approve", {}) is None


async def test_each_fault_names_its_policy(asked: Asked) -> None:
    good = asked.written('package spacelift\ndeny["x"] { true }', "good.rego")
    bad = asked.written("package spacelift\ndeny[", "bad.rego")
    gone = asked.written("", "gone.rego")
    gone.path.unlink()

    found = await asked.policies.check([good, bad, gone])

    assert {it.policy for it in found} == {"bad.rego", "gone.rego"}


async def test_a_file_that_nobody_can_read_is_told_without_its_path(
    asked: Asked,
) -> None:
    binary, gone = asked.written("", "bin.rego"), asked.written("", "gone.rego")
    binary.path.write_bytes(b"package spacelift\n# \xff\n")
    gone.path.unlink()

    found = await asked.policies.check([binary, gone])
    ruling = await asked.policies.rule(binary, {})

    assert [(it.policy, it.message) for it in found] == [
        ("bin.rego", "The file is not UTF-8."),
        ("gone.rego", "The file cannot be read: No such file or directory."),
    ]
    assert ruling.failed == (
        "Policy bin.rego could not be evaluated: The file is not UTF-8."
    )


async def test_a_file_of_tests_that_nobody_can_read_is_named(asked: Asked) -> None:
    policy = asked.written('package spacelift\n\ndeny["x"] { true }\n')
    gone = asked.folder / "gone_test.rego"

    with pytest.raises(PolicyUnavailable) as told:
        await asked.policies.run_tests(policy, [gone])

    why = "The file cannot be read: No such file or directory."
    assert str(told.value) == f"{gone}: {why}"


async def test_a_byte_order_mark_is_no_fault(asked: Asked) -> None:
    text = '\ufeffpackage spacelift\n\ndeny["x"] { input.a }\n'

    ruling = await asked.ruling(text, a=True)

    assert ruling.deny == ("x",)
