"""What follows from a desired split is worked out when a decision looks at it."""

from __future__ import annotations

import pytest

from earlystop.delivery import route_mode
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.desired import LazyObjects, desired_traffic
from earlystop.delivery.inputs import ClusterInputs, Manifest
from tests.unit.delivery.cluster import inputs, split


def test_objects_are_rendered_once_and_no_sooner_than_they_are_looked_at() -> None:
    rendered: list[Manifest] = []

    def render() -> list[Manifest]:
        rendered.append({"kind": "HTTPRoute"})
        return rendered

    objects = LazyObjects(render)
    assert rendered == []
    assert (list(objects), objects[0], objects[:1], len(objects)) == (
        [{"kind": "HTTPRoute"}],
        {"kind": "HTTPRoute"},
        ({"kind": "HTTPRoute"},),
        1,
    )
    assert len(rendered) == 1


def test_a_split_that_fits_renders_no_way_off_the_candidates_before_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []

    def counted(here: ClusterInputs, overlay: Manifest) -> Manifest:
        taken.append(overlay["metadata"]["name"])
        return all_to_baseline(here, overlay)

    monkeypatch.setattr(route_mode, "all_to_baseline", counted)
    here = inputs()
    here = here.with_objects(desired_traffic(here, split(50), rolling_back=False).rendered.objects)
    desired = desired_traffic(here, split(50), rolling_back=False)
    assert desired.refusal is None and taken == []
    assert [each["kind"] for each in desired.detached] == ["HTTPRoute"] and len(taken) == 1
