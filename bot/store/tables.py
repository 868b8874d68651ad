"""The tables, as the newest migration leaves them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.store.columns import Moment, actor_columns

metadata: Final = MetaData()

#: what is true of the audit rows that name several stacks
SEVERAL: Final = "stack LIKE '%, %'"

# channel: that of the message, or the id of the person whom a direct message is for.
# posted_in: the conversation that it opened. seen_ts: the newest reply that was
# read. header_ts: the reply that tells what its first message would, where that cannot
# be changed any more. fallback: where it is told instead, and by which message, once
# nothing can be told in its own channel any more; refused: why, as Slack says it;
# moves: how many other places were tried.
threads: Final = Table(
    "threads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("ts", String),
    Column("posted_in", String),
    Column("tail_ts", String),
    Column("waiting_ts", String),
    Column("seen_ts", String),
    Column("fallback", String),
    Column("fallback_ts", String),
    Column("header_ts", String),
    Column("refused", String),
    Column("moves", Integer),
    Column("stack", String, nullable=False),
    UniqueConstraint("channel", "ts", name="threads_place"),
    Index("threads_by_fallback", "fallback", "fallback_ts"),
    Index("threads_by_stack", "stack", "id"),
    Index("threads_by_time", "ts"),
)

# state_lock: a `StateLock` as JSON. heard_at: when the CI of an outside run last was.
# concluded: how its container ended, as JSON. parameters and session: JSON.
# asked_at: since when people are asked to agree to what it is now.
runs: Final = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("stack", String, nullable=False),
    Column("command", Text, nullable=False),
    Column("apply", Text, nullable=False),
    Column("outside", Boolean, nullable=False),
    Column("again", ForeignKey("runs.id")),
    Column("skip_init", Boolean, nullable=False),
    Column("preset", String, nullable=False),
    Column("parameters", Text, nullable=False),
    *actor_columns("actor"),
    Column("session", Text),
    Column("thread", ForeignKey("threads.id"), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("reason", String),
    Column("exit_code", Integer),
    Column("note", Text, nullable=False),
    Column("commit", String),
    Column("image_digest", String),
    Column("approval", String, nullable=False),
    Column("approval_note", Text, nullable=False),
    Column("approval_expires", Moment),
    Column("asked_at", Moment),
    Column("subject", String(64)),
    Column("subject_changed_at", Moment),
    Column("container", String),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    *actor_columns("stop", nullable=True),
    Column("summary", Text, nullable=False),
    Column("plan_digest", String(64)),
    Column("applied_from", BigInteger, nullable=False),
    Column("applied_at", Moment),
    *actor_columns("confirmed", nullable=True),
    Column("state_lock", Text),
    Column("heard_at", Moment),
    Column("lost_since", Moment),
    Column("keeps_claim", Boolean, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False),
    Column("engine", String),
    Column("concluded", Text),
    Column("output_dropped_at", Moment),
    Index("runs_by_actor", "actor_id", "id"),
    Index("runs_by_time", "created_at"),
    Index("runs_by_end", "ended_at"),
    Index("runs_by_stack_and_actor", "stack", "actor_id", "id"),
    Index("runs_by_state", "state", "id"),
    Index("runs_by_stack", "stack", "id"),
    Index("runs_by_stack_and_state", "stack", "state", "id"),
)

transitions: Final = Table(
    "transitions",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("from_state", String),
    Column("to_state", String, nullable=False),
    Column("at", Moment, nullable=False),
    *actor_columns("actor"),
    Column("note", Text, nullable=False),
)

# A stack's row stays when its claim is released (run and since become null), so
# that the fence never starts again.
claims: Final = Table(
    "claims",
    metadata,
    Column("stack", String, primary_key=True),
    Column("run", ForeignKey("runs.id"), unique=True),
    Column("fence", Integer, nullable=False),
    Column("since", Moment),
    Column("lease", Moment),
)

# The stack of a freeze is `EVERY`. asked_at: whether it is needed still;
# reported_at: that its holder is deactivated.
holds: Final = Table(
    "holds",
    metadata,
    Column("stack", String, primary_key=True),
    *actor_columns("actor"),
    Column("reason", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("thread", ForeignKey("threads.id")),
    Column("reminded_at", Moment),
    Column("asked_at", Moment),
    Column("reported_at", Moment),
)

# Who is told once they could run something on a stack.
wishes: Final = Table(
    "wishes",
    metadata,
    Column("stack", String, primary_key=True),
    *actor_columns("actor", key=True),
    Column("at", Moment, nullable=False),
)

# stands_for: the kind of an in-place letter until it is handed out for delivery.
# Unique per thread, so until then it stands for later ones of its kind; from then
# on what is told may be too late for it and becomes a letter of its own.
# revision: how often what it tells was redacted.
outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("thread", ForeignKey("threads.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("telling", Text, nullable=False),
    Column("stands_for", String),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Moment),
    Column("error", Text, nullable=False),
    Column("fate", String),
    Column("message_ts", String),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("thread", "stands_for", name="outbox_in_place"),
    Index(
        "outbox_undelivered",
        "thread",
        "id",
        sqlite_where=text("fate IS NULL"),
        postgresql_where=text("fate IS NULL"),
    ),
    Index("outbox_by_kind", "kind"),
)

# start and length: where the chunk's bytes came to be when they were kept. A
# redaction changes the data alone, so these are no longer offsets in the output.
# position: how much of the container's output had been read then.
output_chunks: Final = Table(
    "output_chunks",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("ordinal", Integer, primary_key=True),
    Column("verb", String, nullable=False),
    *actor_columns("actor"),
    Column("at", Moment, nullable=False),
    Column("stack", String, nullable=False),
    Column("run", Integer),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("salt", String),
    Index("audit_by_run", "run", "ordinal"),
    Index("audit_by_stack", "stack", "ordinal"),
    Index("audit_by_actor", "actor_id", "ordinal"),
    Index("audit_by_verb", "verb", "ordinal"),
    Index("audit_by_time", "at"),
    Index(
        "audit_of_several",
        "ordinal",
        sqlite_where=text(SEVERAL),
        postgresql_where=text(SEVERAL),
    ),
)

# heard_by: the replica that noted it, until something was done of it; a dash where
# that died, and whoever sent the command was told that nothing will be.
deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("key", String, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("heard_by", String),
    Column("sent_by", String),
    Column("command", String),
    Index("deliveries_by_age", "at"),
)

# What this record is to engines and people: one row. name: what its containers are
# labelled with. drained: since when nothing starts, and who wanted that.
installation: Final = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("drained_since", Moment),
    Column("drained_by", String),
)

# The processes of the bot, each until it leaves or is long dead. since: when it
# joined, or was heard of again after its lease was over.
replicas: Final = Table(
    "replicas",
    metadata,
    Column("id", String, primary_key=True),
    Column("engine", String, nullable=False),
    Column("host", String, nullable=False),
    Column("since", Moment, nullable=False),
    Column("lease", Moment, nullable=False),
)

# What only one replica at a time does: delivering, and reading missed words.
duties: Final = Table(
    "duties",
    metadata,
    Column("name", String, primary_key=True),
    Column("replica", String),
    Column("epoch", Integer, nullable=False),
    Column("lease", Moment, nullable=False),
)

# The newest word on locks of each person and stack, by its Slack timestamp.
lock_words: Final = Table(
    "lock_words",
    metadata,
    Column("stack", String, primary_key=True),
    *actor_columns("actor", key=True),
    Column("ts", String, nullable=False),
)

# What is to be hidden in what a run goes on to print, sealed, until it has ended.
sealed_words: Final = Table(
    "sealed_words",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("sealed_words_by_run", "run", "id"),
)

# Every message that stands in Slack, as it was sent last. digest: SHA-256 of what it
# shows, in hex.
messages: Final = Table(
    "messages",
    metadata,
    Column("channel", String, primary_key=True),
    Column("ts", String, primary_key=True),
    Column("thread", ForeignKey("threads.id"), nullable=False),
    Column("letter", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Index("messages_by_thread", "thread"),
)

# What a request under a caller's own key became. digest: empty where the run's
# command was redacted, which the digest would let be guessed.
idempotency: Final = Table(
    "idempotency",
    metadata,
    Column("actor_kind", String, primary_key=True),
    Column("actor_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Index("idempotency_by_age", "at"),
    Index("idempotency_by_run", "run"),
)

# stacks and networks: JSON lists; no stacks: all of them.
api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("role", Integer, nullable=False),
    Column("stacks", Text),
    Column("networks", Text, nullable=False),
    *actor_columns("made_by"),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("used_at", Moment),
    Column("used_from", String, nullable=False),
)

# What people said of runs. voided_at: since when it counts no more, whatever becomes
# of the run; subject: empty where the run was redacted, which it would let be guessed.
reviews: Final = Table(
    "reviews",
    metadata,
    Column("ordinal", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    *actor_columns("actor"),
    Column("session", Text, nullable=False),
    Column("decision", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("subject", String(64), nullable=False),
    Column("voided_at", Moment),
    Index("reviews_by_run", "run", "ordinal"),
)

# What policies were asked of late, and what they answered, as JSON.
policy_samples: Final = Table(
    "policy_samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("policy", String, nullable=False),
    Column("document", Text, nullable=False),
    Column("ruling", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("policy_samples_by_policy", "policy", "id"),
)
