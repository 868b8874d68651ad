"""What is read out of a compiled module, and which functions it may call."""

from bot.policies.builtins import ALLOWED, REFUSED, refused
from bot.policies.module import Rule, misshapen, read_module


def ref(*steps: str) -> dict[str, object]:
    """Return a reference as OPA writes it."""
    first, *rest = steps
    return {
        "type": "ref",
        "value": [
            {"type": "var", "value": first},
            *({"type": "string", "value": it} for it in rest),
        ],
    }


def module(*rules: dict[str, object]) -> dict[str, object]:
    """Return the tree of a module in package `spacelift`."""
    path = [{"type": "var", "value": "data"}, {"type": "string", "value": "spacelift"}]
    return {"package": {"path": path}, "rules": list(rules)}


def test_a_module_tells_its_package_and_its_rules() -> None:
    head = {"ref": [{"type": "var", "value": "deny"}], "key": {"type": "string"}}

    read = read_module(module({"head": head, "body": []}))

    assert read.package == ("spacelift",)
    assert read.rules == (Rule(name="deny", partial=True),)
    assert read.known == {"deny"}


def test_functions_are_found_wherever_they_are_called() -> None:
    nested = {"type": "call", "value": [ref("count"), ref("input", "x")]}
    expression = {"terms": [ref("eq"), nested, {"type": "set", "value": [nested]}]}
    swapped = {
        "terms": [ref("data", "spacelift", "f")],
        "with": [{"target": ref("abs"), "value": ref("http", "send")}],
    }
    otherwise = {"else": {"body": [{"terms": [ref("time", "now_ns")]}], "head": {}}}
    every = {"terms": {"domain": ref("input"), "body": [{"terms": [ref("sum")]}]}}

    read = read_module(
        module({"body": [expression, swapped, every], "head": {}, **otherwise})
    )

    assert read.called == {"eq", "count", "time.now_ns", "sum"}
    assert read.named == {"eq", "count", "abs", "http.send", "time.now_ns", "sum"}
    assert [name for name, _ in refused(read.called, read.named)] == [
        "http.send",
        "time.now_ns",
    ]


def test_variables_are_no_functions() -> None:
    terms = [ref("eq"), ref("__local1__", "send"), ref("run", "type")]

    read = read_module(module({"body": [{"terms": terms}], "head": {}}))

    assert list(refused(read.called, read.named)) == []


def test_what_is_referred_to_in_data_is_known_step_by_step() -> None:
    computed = {"type": "ref", "value": [*_data("lib"), {"type": "var", "value": "x"}]}
    target = {"target": {"type": "ref", "value": _data("one")}}
    otherwise = {"else": {"head": {"value": {"type": "ref", "value": _data()}}}}

    read = read_module(
        module({"body": [{"terms": computed, "with": [target]}], **otherwise})
    )

    assert read.references == {("lib", ""), ("one",), ()}
    assert read.named == frozenset()


def _data(*steps: str) -> list[object]:
    value = ref("data", *steps)["value"]
    assert isinstance(value, list)
    return value


def test_a_function_that_nobody_knows_is_refused() -> None:
    (found,) = refused(frozenset({"tomorrow.send"}), frozenset())

    name, why = found
    assert name == "tomorrow.send"
    assert why == (
        "Policies may not use the built-in function tomorrow.send: Handrail does not "
        "know it."
    )


def test_no_function_is_both_allowed_and_refused() -> None:
    assert not ALLOWED & REFUSED.keys()


def test_a_tree_may_be_deep() -> None:
    tree: dict[str, object] = {"terms": [ref("count")]}
    for _ in range(10_000):
        tree = {"type": "array", "value": [tree]}

    assert read_module(module({"body": [tree], "head": {}})).called == {"count"}


def test_a_tree_of_another_shape_has_nothing() -> None:
    trees: tuple[object, ...] = (
        *(None, [], {}),
        {"rules": [None, {"head": 3}]},
        {"package": {"path": 1}},
    )
    for tree in trees:
        assert read_module(tree).known == frozenset()


def test_only_rules_that_are_asked_for_have_a_form() -> None:
    assert misshapen(Rule(name="team", function=True)) == ""
    assert misshapen(Rule(name="deny", partial=True)) == ""
    assert misshapen(Rule(name="deny", valued=True)) == ""
    assert misshapen(Rule(name="approve", valued=True, constant="boolean")) == ""
    assert misshapen(Rule(name="approve_with_note", constant="string")) == ""
    assert misshapen(Rule(name="deny", valued=True, constant="string"))
    assert misshapen(Rule(name="deny", partial=True, valued=True))
    assert misshapen(Rule(name="approve", partial=True))
    assert misshapen(Rule(name="reject_with_note", valued=True, constant="boolean"))
