"""What the use cases need from outside, split by who uses it."""

from bot.ports.approvals import Approvals, Document, Policies
from bot.ports.archive import Archive, Keys
from bot.ports.outbox import Letter, Moved, Outbox, Posted, Shown
from bot.ports.outside import Clock, Credentials, Directory, Messages, Minted, Values
from bot.ports.record import Driven, Record
from bot.ports.replicas import Change, Drained, Drains, Duty, Replicas, Wakes
from bot.ports.retention import Perishables
from bot.ports.values import (
    DeliveryKey,
    Ended,
    Hide,
    HideStream,
    HoldAnswer,
    Idempotency,
    LetterId,
    NewRun,
    Plan,
    Progress,
    RunQuery,
    Sent,
    StopAnswer,
    Thread,
)

__all__ = [
    "Approvals",
    "Archive",
    "Change",
    "Clock",
    "Credentials",
    "DeliveryKey",
    "Directory",
    "Document",
    "Drained",
    "Drains",
    "Driven",
    "Duty",
    "Ended",
    "Hide",
    "HideStream",
    "HoldAnswer",
    "Idempotency",
    "Keys",
    "Letter",
    "LetterId",
    "Messages",
    "Minted",
    "Moved",
    "NewRun",
    "Outbox",
    "Perishables",
    "Plan",
    "Policies",
    "Posted",
    "Progress",
    "Record",
    "Replicas",
    "RunQuery",
    "Sent",
    "Shown",
    "StopAnswer",
    "Thread",
    "Values",
    "Wakes",
]
