"""Bring a policy into OPA, in either syntax, and find all that is wrong with it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from bot.domain.policy import APPROVAL_RULES, TASK_RULES, PolicyFault, PolicyKind
from bot.domain.rego import place_of, place_of_rule
from bot.policies.builtins import refused
from bot.policies.module import KNOWN_RULES, Module, misshapen, read_module
from bot.policies.references import strangers
from bot.policies.rest import OpaClient, OpaFault
from bot.policies.rewriting import Rewritten, package_of, rewritten, says_v1

PACKAGES: Final = ("spacelift", "handrail")
#: below which all policies are
ROOT: Final = "handrail_policies"
_HOME: Final = re.compile(rf"{ROOT}\.\w+")
#: what OPA says of a rule in the other syntax than the second, or the first
_FOREIGN: Final = {
    True: "keyword is required",
    False: "var cannot be used for rule name",
}
#: what a policy is taken for that is broken
_ANY: Final = PolicyKind(denies=True, decides=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A policy in OPA; with faults it is not there."""

    home: str = ""  #: its package there
    answer: str = ""  #: the rule that has the values of all that Handrail asks for
    faults: tuple[PolicyFault, ...] = ()  #: of no policy by name
    kind: PolicyKind = _ANY
    text: Rewritten | None = None  #: as OPA has it

    def row(self, row: int) -> int:
        """Return which row of the file is what OPA has in *row*."""
        return self.text.place(row, 1)[0] if self.text else row


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A module that OPA took, or what it finds wrong in places of the source."""

    module: Module | None = None
    text: Rewritten | None = None
    faults: tuple[PolicyFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What is wrong with a module in one of the syntaxes."""

    v1: bool
    parsed: bool
    faults: tuple[PolicyFault, ...]

    @property
    def reached(self) -> tuple[bool, int, int]:
        """Return how far OPA got: what is parsed is further than what is not."""
        return self.parsed, self.faults[0].row, self.faults[0].column

    @property
    def is_foreign(self) -> bool:
        """Tell whether a part looks like the other syntax."""
        sign = _FOREIGN[self.v1]
        return not self.parsed and any(sign in it.message for it in self.faults)


async def load_policy(client: OpaClient, source: str) -> Loaded:
    """Load *source* under a package that only the very same source has."""
    name = digest(source)
    home, answer = f"{ROOT}.p_{name}", f"answer_{name}"
    package = package_of(source)
    if package not in PACKAGES:
        return Loaded(faults=(_foreign(source, package),))
    name, homes = module_name(source), {package: home}
    asking = _asking(home, answer)
    compiled = await compile_module(client, name, source, homes, asking)
    if compiled.module is None:
        # A rule that is a function is no fault until it is asked.
        alone = await compile_module(client, name, source, homes)
        unfit = () if alone.module is None else tuple(_unfit(source, alone.module))
        return await _without(client, name, unfit or compiled.faults)
    unfit = tuple(_unfit(source, compiled.module))
    if unfit:
        return await _without(client, name, unfit)
    kind = _kind(compiled.module)
    return Loaded(home=home, answer=answer, kind=kind, text=compiled.text)


async def unload_policy(client: OpaClient, source: str) -> None:
    """Remove *source*, if it is there."""
    await client.unload(module_name(source))


async def compile_module(
    client: OpaClient,
    name: str,
    source: str,
    homes: Mapping[str, str],
    behind: str = "",
) -> Compiled:
    """Have OPA compile *source* as module *name*, with its packages as *homes* says.

    What calls a built-in function that policies may not use is not kept, nor what
    refers to anything in `data` but *homes*.
    """
    readings = []
    for v1 in (True,) if says_v1(source) else (True, False):
        text = rewritten(source, homes, v1=v1, behind=behind)
        found = await client.load(name, text.text)
        if not found:
            return await _examined(client, name, text, homes)
        faults = tuple(_in_source(text, homes, fault) for fault in found)
        parsed = all(it.code != "rego_parse_error" for it in found)
        readings.append(_Reading(v1=v1, parsed=parsed, faults=faults))
    return Compiled(faults=tuple(dict.fromkeys(_told(readings))))


def module_name(source: str) -> str:
    """Return what OPA calls the policy *source*."""
    return f"handrail/p_{digest(source)}"


def digest(source: str) -> str:
    """Return what names *source*, and nothing else."""
    return sha256(source.encode()).hexdigest()[:32]


async def _without(
    client: OpaClient, name: str, faults: tuple[PolicyFault, ...]
) -> Loaded:
    await client.unload(name)
    return Loaded(faults=faults)


async def _examined(
    client: OpaClient, name: str, text: Rewritten, homes: Mapping[str, str]
) -> Compiled:
    module = read_module(await client.tree(name))
    faults = [
        _fault(sentence, place_of(text.source, function))
        for function, sentence in refused(module.called, module.named)
    ]
    faults += [
        _fault(sentence, place)
        for sentence, place in strangers(module.references, homes, text)
    ]
    # Whatever the rewriting took for a package: this is where OPA has it.
    if not any(".".join(module.package).startswith(it) for it in homes.values()):
        faults.append(_foreign(text.source, package_of(text.source)))
    if faults:
        await client.unload(name)
        return Compiled(faults=tuple(faults))
    return Compiled(module=module, text=text)


def _unfit(source: str, module: Module) -> Iterator[PolicyFault]:
    for rule in dict.fromkeys(module.rules):
        if sentence := misshapen(rule):
            yield _fault(sentence, place_of_rule(source, rule.name))
    if not _kind(module).denies and not _kind(module).decides:
        names = ", ".join(KNOWN_RULES[:-2])
        yield _fault(
            f"It has none of the rules that Handrail asks for: {names} or "
            f"{KNOWN_RULES[-2]}.",
            (1, 1),
        )


def _kind(module: Module) -> PolicyKind:
    return PolicyKind(
        denies=bool(module.known & set(TASK_RULES)),
        decides=bool(module.known & set(APPROVAL_RULES)),
    )


def _asking(home: str, answer: str) -> str:
    """Return rules, in both syntaxes alike, that collect what is asked for."""
    lines = (f'{answer}["{rule}"] = data.{home}.{rule}' for rule in KNOWN_RULES)
    return "\n" + "\n".join(lines) + "\n"


def _told(readings: Sequence[_Reading]) -> Iterator[PolicyFault]:
    """Yield the faults of the reading that came furthest."""
    furthest = max(readings, key=lambda it: it.reached)
    mixed = len(readings) > 1 and all(it.is_foreign for it in readings)
    mine, other = ("1.x", "0.x") if furthest.v1 else ("0.x", "1.x")
    hint = (
        f": the file was read in the syntax of OPA {mine}, and a part of it is in that "
        f"of {other}. Write import rego.v1 below the package, and all of the file in "
        'the syntax of 1.x, as in deny contains "why" if { … }.'
    )
    for fault in furthest.faults:
        yield replace(fault, message=fault.message + hint) if mixed else fault


def _in_source(
    text: Rewritten, homes: Mapping[str, str], fault: OpaFault
) -> PolicyFault:
    names = {home: package for package, home in homes.items()}
    message = _HOME.sub(lambda home: names.get(home[0], home[0]), fault.message)
    return _fault(message, text.place(fault.row, fault.column))


def _foreign(source: str, package: str) -> PolicyFault:
    is_now = f"it is {package}" if package else "it has none"
    sentence = f"The package has to be {PACKAGES[0]} or {PACKAGES[1]}; {is_now}."
    return _fault(sentence, place_of(source, "package") if package else (1, 1))


def _fault(message: str, place: tuple[int, int]) -> PolicyFault:
    return PolicyFault(policy="", message=message, row=place[0], column=place[1])
