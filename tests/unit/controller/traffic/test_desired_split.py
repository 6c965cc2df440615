"""From a stored state to what shall be in force."""

from __future__ import annotations

import pytest

from earlystop.controller.desired_split import desired_split, largest_split
from earlystop.rollout.plan import variant_labels
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import carried_out
from tests.unit.delivery.cluster import settings, spec_in
from tests.unit.rollout import classes
from tests.unit.rollout.policies import policy, started
from tests.unit.rollout.states import REACHED


@pytest.mark.parametrize(
    ("phase", "weights"), [("observing", (95, 5)), ("promoted", (0, 100)), ("rolled back", (100, 0))]
)
def test_a_share_holds_the_weights_and_settings_of_the_campaign(phase: str, weights: tuple[int, int]) -> None:
    found = desired_split(REACHED[phase])
    assert found is not None
    assert (found.revision, found.step) == (REACHED[phase].revision, REACHED[phase].step)
    assert found.weights == weights and found.shadows == ()
    assert [(each.variant, each.settings) for each in found.variants] == [
        ("baseline", settings("40")),
        ("candidate", settings("10")),
    ]


def test_before_the_first_campaign_nothing_is_wanted() -> None:
    assert desired_split(RolloutState()) is None


def test_checks_see_every_candidate_by_its_label() -> None:
    assert variant_labels(spec_in("GatewayHeader")) == ("candidate",)
    assert variant_labels(spec_in("HeaderCohort", 3)) == ("w10", "w5", "w2")
    full = largest_split(spec_in("GatewayHeader", 3))
    assert [each.variant for each in full.variants] == ["baseline", "w10", "w5", "w2"] and full.shadows == ()
    assert [each.variant for each in largest_split(spec_in("Shadow", 3)).shadows] == ["w10", "w5", "w2"]


def test_once_a_map_of_classes_is_decided_each_class_has_its_variant_and_all_others_the_baseline() -> None:
    trying = classes.observe(classes.LIVE, started(classes.LIVE), classes.EASY_AND_HARD)
    assert (during := desired_split(trying)) is not None and during.classes == ()
    state = carried_out(classes.decided(classes.LIVE, started(classes.LIVE), classes.EASY_AND_HARD))
    found = desired_split(state)
    assert found is not None and found.weights == (100, 0, 0, 0) and found.gives_candidates
    assert [(each.header, each.value) for each in found.classes] == [
        ("x-query-class", "lookup"),
        ("x-query-class", "proof"),
    ]
    assert found.classes[1].variant == "w10" and found.promoted == ""


@pytest.mark.parametrize("names", [("incumbent", "w20"), ("w20", "incumbent")])
def test_a_candidate_that_an_earlier_release_let_be_called_incumbent_is_a_candidate(names: tuple[str, str]) -> None:
    candidates = [
        {"name": name, "values": [{"name": "window", "value": value}]}
        for name, value in zip(names, ("10", "20"), strict=True)
    ]
    spec = policy({"candidates": candidates, "rollout": {"strategy": "ABTest", "steps": [{"weight": 20}]}})
    for found in (desired_split(started(spec)), largest_split(spec)):
        assert found is not None and found.incumbent is None
        assert [each.variant for each in found.candidates] == list(names)
