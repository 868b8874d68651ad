"""Policies as tests ask them: written to files, and what is said of them."""

from dataclasses import dataclass
from pathlib import Path

from bot.domain.policy import Policy, Ruling
from bot.policies.opa import OpaPolicies
from bot.policies.server import Server

#: never ends by itself within a test
ENDLESS = """package spacelift

deny contains "x" if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j < 0
}
"""

#: wants 2 GB at once
BOMB = f"""package spacelift

a := "{"a" * 76}"
b := replace(a, "a", a)
c := replace(b, "a", b)
deny contains replace(c, "a", a) if {{ input.bomb }}
"""

#: a single call that takes many seconds, in which OPA looks at nothing else
STUBBORN = f"""package spacelift

a := "{"a" * 76}"
b := replace(a, "a", a)
deny contains "x" if regex.match(`(a|aa|aaa)+(b|ab)$`, replace(b, "a", b))
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Policies, the OPA that they are asked of, and where their files are."""

    policies: OpaPolicies
    server: Server
    folder: Path

    def written(self, text: str, name: str = "policy.rego") -> Policy:
        """Return a policy whose file has *text*."""
        path = self.folder / name
        path.write_text(text)
        return Policy(name=name, path=path)

    async def ruling(self, text: str, **document: object) -> Ruling:
        """Return what a policy of *text* makes of *document*."""
        return await self.policies.rule(self.written(text), document)

    async def faults(self, text: str) -> list[tuple[int, int, str]]:
        """Return the row, the column and the message of each fault of *text*."""
        found = await self.policies.check([self.written(text)])
        return [(it.row, it.column, it.message) for it in found]
