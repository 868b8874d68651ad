"""Which stack a name means."""

import pytest

from bot.domain.errors import Refusal, Refused
from bot.domain.people import TeamId
from bot.domain.stack import Catalog, Stack, StackName


def a_catalog(*names: str) -> Catalog:
    stacks = {
        StackName(name): Stack(name=StackName(name), image="x", writers=("U0ANN",))
        for name in names
    }
    return Catalog(workspace=TeamId("T0HOME"), stacks=stacks)


def refusal(name: str, *names: str) -> Refused:
    with pytest.raises(Refused) as caught:
        a_catalog(*names).stack(name)
    return caught.value


def test_a_stack_is_found_by_its_whole_name() -> None:
    assert a_catalog("net-prod", "net-test").stack("net-test").name == "net-test"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("net-prd", "Did you mean net-prod,"),
        ("NET-PROD", "Did you mean net-prod,"),
        ("net", "Did you mean net-test or net-prod?"),
        ("db-prd", "Did you mean db-prod"),
        ("zzz", "There are: db-prod, net-prod, net-test."),
        ("", "There are: db-prod, net-prod, net-test."),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    refused = refusal(name, "net-prod", "net-test", "db-prod")

    assert str(refused).startswith(f"There is no stack {name!r}. ")
    assert hint in str(refused)
    assert refused.reason is Refusal.UNKNOWN_STACK


def test_three_names_are_near_at_most() -> None:
    refused = refusal("net", "net-1", "net-2", "net-3", "net-4")

    assert str(refused).count("net-") == 3
    assert " or " in str(refused)
