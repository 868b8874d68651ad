"""Whatever stands in the file, it is understood or told in Handrail's own words."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalog.load import load
from bot.catalog.problem import ConfigProblems
from tests.unit.catalog.test_load import DESIGN

WHOLE = yaml.safe_load(
    f"""{DESIGN}
    strict_masking: true
    mask_shapes: false
    mask_state: tofu
    oidc: {{audience: [sts.amazonaws.com, vault]}}
    labels: [prod]
    policies: [approve.rego]
    approvals: {{count: 1, from: ["@a"], except: ["a b", c.*], expires: 2h}}
    deny_tasks: true
    self_review: false
    presets:
      restart:
        command: ./restart.sh
        description: Restarts it
        parameters:
          service: {{choice: [api, web], description: Which, default: api}}
          ticket: {{pattern: "OPS-[0-9]+"}}
          count: {{integer: {{least: 1, most: 9}}, default: 3}}
        skip_init: true
        runners: ["#ops"]
        approvals: none
policies: [{{file: prod.rego, labels: [prod]}}]
image_policy: {{digest: false, registries: [docker.io/hashicorp]}}
oidc: {{issuer: https://handrail.example.com}}
retention: {{output: 90d, deliveries: 2d}}
"""
)


def places(
    value: object, above: tuple[str | int, ...] = ()
) -> list[tuple[str | int, ...]]:
    """Return where every value of a configuration stands."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [above, *(deep for key, it in items for deep in places(it, (*above, key)))]


def put(place: tuple[str | int, ...], value: object) -> object:
    """Return the configuration with *value* at *place*."""
    if not place:
        return value
    changed = deepcopy(WHOLE)
    parent = changed
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    return changed


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.dates()
    | st.binary(max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3)
    ),
    max_leaves=5,
)


def sentences(text: str) -> list[str]:
    with TemporaryDirectory() as directory:
        path = Path(directory, "handrail.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            load(path)
        except ConfigProblems as refused:
            return [str(problem) for problem in refused.problems]
        return []


@settings(deadline=None)
@given(place=st.sampled_from(places(WHOLE)), value=VALUES)
def test_any_value_anywhere_is_understood_or_told(
    place: tuple[str | int, ...], value: object
) -> None:
    told = sentences(yaml.safe_dump(put(place, value), allow_unicode=True))

    assert not [it for it in told if "this cannot be used" in it or "\n" in it]


@settings(deadline=None)
@given(st.text(alphabet="a: -[]{}\"'#&*!|>%@\n\t0", max_size=30))
def test_any_text_is_understood_or_told(text: str) -> None:
    assert sentences(text)
