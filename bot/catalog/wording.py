"""Validation errors as plain sentences that say what to write instead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.catalog.approving import ApprovalsEntry, PolicyEntry
from bot.catalog.deploying import DeployEntry
from bot.catalog.document import Document
from bot.catalog.identity import AwsEntry, IssuerEntry, TokenEntry
from bot.catalog.model import (
    UNBUILT,
    ConfigEntry,
    FileEntry,
    HooksEntry,
    ImagePolicyEntry,
    LimitsEntry,
    RetentionEntry,
    SourceEntry,
    StackEntry,
    ValueEntry,
)
from bot.catalog.places import keys, model_at
from bot.catalog.presets import IntegerEntry, ParameterEntry, PresetEntry
from bot.catalog.problem import Finding, Where, short

_MISSING: Final = {
    "version": "is missing; write `version: 1`",
    "workspace": "is missing; write the id of your Slack workspace, as in "
    "`workspace: T0123ABCD`",
    "stacks": "is missing; write `stacks:` and below it at least one stack",
    "role_arn": "is missing; write the role to assume, as in `role_arn: "
    "arn:aws:iam::111111111111:role/handrail`",
    "audience": "is missing; write who may take the token, as in `audience: "
    "sts.amazonaws.com`",
    "plan": "is missing; write what plans and saves the plan, as in `plan: terraform "
    'plan -input=false -out="$HANDRAIL_PLAN"`',
    "apply": "is missing; write what applies the saved plan, as in `apply: terraform "
    'apply -input=false "$HANDRAIL_PLAN"`',
    "command": "is missing; write the shell text to run, as in `command: ./restart.sh "
    '"$PARAM_SERVICE"`',
    "file": "is missing; write the file of the policy, as in `file: "
    "policies/prod.rego`",
    "labels": "is missing; write which stacks it is for, as in `labels: [prod]`",
    "issuer": "is missing; write the URL of this bot, as in `issuer: "
    "https://handrail.example.com`",
}

#: What a mapping of each model is for, for the one who wrote something else.
_MAPPINGS: Final = {
    ValueEntry: "say where the value comes from, as in {env: NAME}, {file: ./path} or "
    "{command: [program, argument]}",
    FileEntry: "say where the content comes from, as in {file: ./path}, {env: NAME} or "
    "{command: [program, argument]}",
    SourceEntry: "write {git: git@example.com:infra.git, ref: main} or {dir: ./path}",
    HooksEntry: "write it as in {before_init: ./login.sh}",
    LimitsEntry: "write it as in {memory: 1g, run_timeout: 70m}",
    DeployEntry: "write {plan: …, apply: …}, or none",
    AwsEntry: "write it as in {role_arn: arn:aws:iam::111111111111:role/handrail}",
    TokenEntry: "write it as in {audience: sts.amazonaws.com}",
    IssuerEntry: "write it as in {issuer: https://handrail.example.com}",
    RetentionEntry: "write it as in {output: 90d}",
    ApprovalsEntry: 'write it as in {count: 2, from: ["@platform"]}, or none',
    PolicyEntry: "write it as in {file: policies/prod.rego, labels: [prod]}",
    PresetEntry: "write it as in {command: ./restart.sh}",
    ParameterEntry: "write it as in {choice: [api, web]}, {pattern: '[a-z]+'} or "
    "{integer: {least: 1, most: 9}}",
    IntegerEntry: "write it as in {least: 1, most: 9}, or {} for any whole number",
    ImagePolicyEntry: "write it as in {digest: true, registries: [ghcr.io/acme]}",
}

#: What a policy of all stacks cannot name, and who can name the policy.
_ATTACHING: Final = {"contexts": "inside the context", "stacks": "inside the stack"}

_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean (true or false)",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a mapping",
}


def findings(error: ValidationError, document: Document) -> list[Finding]:
    """Return what *error* says about *document*, one finding per mistake."""
    return [_finding(one, document) for one in error.errors(include_url=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    """A wrong value. *written* is None where it is not a scalar, or not to be told."""

    where: Where
    written: str | None
    kind: str  #: what it is, in words
    type: str  #: pydantic's name for what is wrong
    context: Mapping[str, object]
    message: str

    @property
    def subject(self) -> str:
        return f"`{self.written}`" if self.written else f"this is {self.kind}, which"


def _finding(error: ErrorDetails, document: Document) -> Finding:
    on_key = error["loc"][-1:] == ("[key]",)
    where = error["loc"][:-1] if on_key else error["loc"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(where)
    mistake = _Mistake(
        where=where,
        written=_written(where, document),
        kind=_KINDS.get(type(error["input"]), "a date"),
        type=error["type"],
        context=error.get("ctx", {}),
        message=error["msg"],
    )
    word = _WORDS.get(mistake.type, _unforeseen)
    return Finding(where=where, text=word(mistake), on_key=on_key)


def _written(where: Where, document: Document) -> str | None:
    """Return the scalar at *where*, unless it may be a misplaced secret."""
    text = None if "secrets" in where else document.written(where)
    return text and short(text)


def _unknown_key(where: Where) -> Finding:
    *above, key = where
    if str(key) in UNBUILT:
        text = f"`{key}` is not built yet; remove it ({UNBUILT[str(key)]})"
        return Finding(where=where, text=text, on_key=True)
    model = model_at(tuple(above))
    known = keys(model)
    unknown = f"there is no key `{short(str(key))}` here"
    if elsewhere := _elsewhere(str(key), model):
        return Finding(where=where, text=f"{unknown}; {elsewhere}", on_key=True)
    near = get_close_matches(str(key).lower(), known, n=1)
    if not near:
        text = f"{unknown}; there are: {', '.join(known)}"
        return Finding(where=where, text=text, on_key=True)
    return Finding(
        where=where,
        text=f"{unknown}; did you mean `{near[0]}`?",
        on_key=True,
        excuses=(*above, near[0]),
    )


def _elsewhere(key: str, model: type[BaseModel]) -> str:
    """Return where *key*, which is none of *model*, belongs; empty: nowhere."""
    if model is PolicyEntry and key in _ATTACHING:
        return f"attach it by labels, or write `policies: [file]` {_ATTACHING[key]}"
    if model is ConfigEntry:
        known = key in StackEntry.model_fields
        return "move it below `defaults`, or into a stack" if known else ""
    known = key in ConfigEntry.model_fields
    return "move it to the top of the file" if known else ""


def _missing(mistake: _Mistake) -> str:
    return _MISSING[str(mistake.where[-1])]


def _own(mistake: _Mistake) -> str:
    return str(mistake.context["error"])


def _text(mistake: _Mistake) -> str:
    if mistake.written is None:
        return f"this is {mistake.kind}; write a text, in quotes"
    return (
        f"YAML reads `{mistake.written}` as {mistake.kind}; write "
        f'"{mistake.written}" in quotes'
    )


def _list(mistake: _Mistake) -> str:
    example = "[a, b]" if mistake.written is None else f'["{mistake.written}"]'
    return f"this is {mistake.kind}; write a list, as in {example}"


def _mapping(mistake: _Mistake) -> str:
    advice = _MAPPINGS.get(model_at(mistake.where), "write keys and values below it")
    return f"this is {mistake.kind}; {advice}"


def _names(mistake: _Mistake) -> str:
    return f"this is {mistake.kind}; write names and values below it, as in name: value"


def _number(mistake: _Mistake) -> str:
    whole = "whole " if mistake.type.startswith("int") else ""
    return f"{mistake.subject} is not a {whole}number; write one without quotes"


def _switch(mistake: _Mistake) -> str:
    return f"{mistake.subject} is neither true nor false; write one, without quotes"


def _choice(mistake: _Mistake) -> str:
    expected = str(mistake.context["expected"]).replace("'", "")
    return f"{mistake.subject} cannot stand here; write {expected}"


def _bounds(mistake: _Mistake) -> str:
    bound, limit = next(iter(mistake.context.items()))
    wanted = f"{_BOUNDS[bound]} {str(limit).removesuffix('.0')}"
    return f"{mistake.subject} is out of range; write {wanted}"


def _empty(mistake: _Mistake) -> str:
    return f"`{mistake.where[-1]}` is empty; write at least one"


def _long(mistake: _Mistake) -> str:
    most = mistake.context["max_length"]
    what = "characters" if mistake.type == "string_too_long" else "of them"
    return f"this has more than {most} {what}; write at most so many"


def _unforeseen(mistake: _Mistake) -> str:
    return f"this cannot be used: {mistake.message.lower()}"


_BOUNDS: Final = {
    "gt": "more than",
    "ge": "at least",
    "lt": "less than",
    "le": "at most",
}

_WORDS: Final[Mapping[str, Callable[[_Mistake], str]]] = {
    "missing": _missing,
    "value_error": _own,
    "string_type": _text,
    "list_type": _list,
    "dict_type": _names,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "int_type": _number,
    "int_from_float": _number,
    "float_type": _number,
    "finite_number": _number,
    "bool_type": _switch,
    "literal_error": _choice,
    "greater_than": _bounds,
    "greater_than_equal": _bounds,
    "less_than": _bounds,
    "less_than_equal": _bounds,
    "too_short": _empty,
    "too_long": _long,
    "string_too_long": _long,
}
