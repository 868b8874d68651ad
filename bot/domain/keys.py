"""API keys: who may do what from outside Slack."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.people import Actor, Role, api_actor
from bot.domain.stack import StackName


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is known; the secret itself is known to its bearer alone."""

    name: str
    id: str  #: the public part, by which it is found
    digest: str  #: SHA-256 of the secret part, in hex
    role: Role
    stacks: tuple[StackName, ...] | None  #: None: all of them
    networks: tuple[str, ...] = ()  #: from where it may be used, as CIDR; none: any
    made_by: Actor
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    used_from: str = ""

    @property
    def actor(self) -> Actor:
        """Return this key as the hand that does a thing."""
        return api_actor(self.name)

    def is_valid(self, at: datetime) -> bool:
        """Tell whether the key still opens anything."""
        return self.revoked_at is None and (
            self.expires_at is None or at < self.expires_at
        )

    def role_on(self, stack: StackName) -> Role:
        """Return what the key may do on *stack*."""
        knows = self.stacks is None or stack in self.stacks
        return self.role if knows else Role.NONE
