"""What is promised of the API keys."""

from dataclasses import replace

from bot.domain.audit import Verb
from bot.domain.keys import ApiKey
from bot.domain.people import Role
from bot.domain.stack import StackName
from tests.contract.store.opened import Store
from tests.support.builders import NOON, an_actor, later

ADA = an_actor("ada")
KEY = ApiKey(
    name="ci",
    id="0123456789abcdef",
    digest="d" * 64,
    role=Role.WRITER,
    stacks=(StackName("net-prod"), StackName("db-prod")),
    networks=("10.0.0.0/8", "2001:db8::/32"),
    made_by=ADA,
    made_at=NOON,
    expires_at=later(86_400),
)
OTHER = replace(KEY, name="all", id="f" * 16, stacks=None, networks=(), expires_at=None)


async def test_a_key_reads_as_it_was_made(store: Store) -> None:
    assert await store.keys.make(KEY)
    assert await store.keys.make(OTHER)

    assert await store.keys.all() == (OTHER, KEY)
    assert await store.keys.by_name("ci") == KEY
    assert await store.keys.by_id("f" * 16) == OTHER


async def test_a_key_for_no_stack_at_all_is_not_one_for_every_stack(
    store: Store,
) -> None:
    await store.keys.make(replace(KEY, stacks=()))

    key = await store.keys.by_name("ci")

    assert key is not None
    assert key.stacks == ()


async def test_a_key_that_was_never_made_is_not_found(store: Store) -> None:
    assert await store.keys.by_name("ci") is None
    assert await store.keys.by_id("x") is None
    assert await store.keys.all() == ()


async def test_who_made_a_key_for_what_is_on_the_record(store: Store) -> None:
    await store.keys.make(KEY)
    await store.keys.make(OTHER)

    deeds = await store.deeds()
    assert [(deed.verb, deed.actor, deed.detail) for deed in deeds] == [
        (Verb.KEY_MADE, ADA, "ci: writer of net-prod, db-prod"),
        (Verb.KEY_MADE, ADA, "all: writer of all stacks"),
    ]


async def test_a_name_is_given_once_even_after_its_key_was_revoked(
    store: Store,
) -> None:
    await store.keys.make(KEY)
    await store.keys.revoke("ci", ADA, later(1))

    made = await store.keys.make(replace(KEY, id="e" * 16))

    assert not made
    assert await store.keys.by_id("e" * 16) is None
    assert [deed.verb for deed in await store.deeds()] == [
        Verb.KEY_MADE,
        Verb.KEY_REVOKED,
    ]


async def test_a_key_is_revoked_once_by_a_named_person(store: Store) -> None:
    await store.keys.make(KEY)

    revoked = [
        await store.keys.revoke("ci", an_actor(by), later(1)) for by in ("ada", "bob")
    ]

    deed = (await store.deeds())[-1]
    assert revoked == [True, False]
    assert (deed.verb, deed.actor, deed.detail) == (Verb.KEY_REVOKED, ADA, "ci")
    assert await store.keys.all() == (replace(KEY, revoked_at=later(1)),)


async def test_a_key_that_was_never_made_is_not_revoked(store: Store) -> None:
    assert not await store.keys.revoke("ci", ADA, later(1))
    assert await store.deeds() == []


async def test_when_and_from_where_a_key_was_used_last_is_kept(store: Store) -> None:
    await store.keys.make(KEY)

    await store.keys.note_use("ci", "10.0.0.1", later(5))
    await store.keys.note_use("ci", "10.0.0.2", later(6))

    used = replace(KEY, used_at=later(6), used_from="10.0.0.2")
    assert await store.keys.by_name("ci") == used
