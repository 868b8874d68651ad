"""On what terms a container runs, as its labels carry it."""

from runner.docker.terms import Terms
from tests.support.runs import a_job


def test_the_labels_of_a_container_tell_its_terms_again() -> None:
    job = a_job(reading_state="show", results=("handrail.plan", "a\nb"), harmless=True)
    terms = Terms.of(job, "4f1d")

    again = Terms.read(terms.labels)

    assert again == terms
    assert again == Terms(
        nonce="4f1d",
        reading="show",
        results=("handrail.plan", "a\nb"),
        harmless=True,
    )


def test_a_container_of_an_earlier_release_may_not_be_stopped_and_leaves_nothing() -> (
    None
):
    found = Terms.read({"handrail.nonce": "4f1d"})

    assert found == Terms(nonce="4f1d", reading="", results=(), harmless=False)
