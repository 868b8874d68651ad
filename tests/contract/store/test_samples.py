"""`Approvals`: what policies were asked of late."""

from bot.domain.policy import Ruling
from tests.contract.store.opened import Store
from tests.support.builders import later

RULING = Ruling(
    policy="policies/approve.rego",
    deny=("no", "never"),
    approve=True,
    undecided_notes=("@platform has to agree",),
    sample=True,
)


async def test_a_sample_is_read_as_it_was_kept(store: Store) -> None:
    document = {
        "run": {
            "id": "7",
            "command": 'echo "ü"\n',
            "created_at": 1_795_176_000 * 10**9,
        },
        "reviews": {"current": {"approvals": [], "rejections": []}},
        "stack": {"locked_by": None, "labels": ["prod"], "admin": False, "share": 0.5},
    }

    await store.approvals.keep_sample("a.rego", document, RULING, later(0))

    assert await store.approvals.samples("a.rego") == ((document, RULING),)
    assert await store.approvals.samples("b.rego") == ()


async def test_the_last_hundred_samples_of_each_policy_are_kept(store: Store) -> None:
    await store.approvals.keep_sample("b.rego", {"number": 0}, RULING, later(0))

    for number in range(103):
        document = {"number": number}
        await store.approvals.keep_sample("a.rego", document, RULING, later(number))

    kept = [
        document["number"] for document, _ in await store.approvals.samples("a.rego")
    ]
    assert kept == list(range(102, 2, -1))
    assert len(await store.approvals.samples("b.rego")) == 1
