"""A certificate lapses when what it was made on changes, and no sooner; what alternates is told once."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from earlystop.rollout.certificate.binding import Binding, Lapse, Part, digest_of_parameters
from earlystop.rollout.certificate.follow import certificate_due_at, follow_certificate
from earlystop.rollout.certificate.words import certificate_notes, certified_condition
from earlystop.rollout.state import Certified, Phase, RolloutState
from earlystop.rollout.stored_settings import certified_text, restore_certified
from tests.unit.delivery.cluster import in_bodies
from tests.unit.rollout.policies import NOW, policy

FOUND = Binding(NOW, "qa-server", template="t1", images="i1", model="llama-3", parameters="p1")
OTHERS = {
    Part.MODEL: replace(FOUND, model="llama-4"),
    Part.IMAGES: replace(FOUND, images="i2"),
    Part.TEMPLATE: replace(FOUND, template="t2"),
    Part.PARAMETERS: replace(FOUND, parameters="p2"),
}
PROVEN = RolloutState(phase=Phase.PROMOTED, campaign=1, certified=Certified({"window": "10"}, NOW))
BOUND = follow_certificate(PROVEN, FOUND, NOW)


def lapse_of(state: RolloutState) -> Lapse | None:
    assert state.certified is not None
    return state.certified.lapse


@pytest.mark.parametrize("part", Part)
def test_each_part_that_changes_has_a_reason_of_its_own_and_one_event(part: Part) -> None:
    after = follow_certificate(BOUND, OTHERS[part], NOW + 5)
    condition = certified_condition(after)
    assert condition is not None and (condition.status, condition.reason) == ("False", f"{part.value}Changed")
    assert "qa-server" in condition.message and "Retry the policy" in condition.message
    assert [note.reason for note in certificate_notes(BOUND, after)] == [f"{part.value}Changed"]
    assert follow_certificate(after, OTHERS[part], NOW + 500) is after


def test_a_certificate_holds_while_what_it_was_made_on_is_the_same_or_cannot_be_read() -> None:
    assert follow_certificate(BOUND, replace(FOUND, at=NOW + 60), NOW + 60) is BOUND
    assert follow_certificate(BOUND, None, NOW + 60) is BOUND
    condition = certified_condition(BOUND)
    assert condition is not None and (condition.status, condition.reason) == ("True", "AsCertified")


def test_a_setting_of_which_nobody_has_read_what_it_was_proven_on_is_not_said_to_be_as_certified() -> None:
    assert follow_certificate(PROVEN, None, NOW) is PROVEN
    condition = certified_condition(PROVEN)
    assert condition is not None and (condition.status, condition.reason) == ("Unknown", "NotBound")
    assert certified_condition(RolloutState()) is None


def test_what_is_put_back_holds_again_after_a_minute() -> None:
    lapsed = follow_certificate(BOUND, OTHERS[Part.IMAGES], NOW + 5)
    back = follow_certificate(lapsed, FOUND, NOW + 100)
    assert certificate_due_at(back) == NOW + 160 and certificate_due_at(lapsed) is None
    assert follow_certificate(back, FOUND, NOW + 159) is back
    held = follow_certificate(back, FOUND, NOW + 160)
    assert lapse_of(held) is None
    assert [note.reason for note in certificate_notes(back, held)] == ["CertificateHolds"]


@pytest.mark.parametrize("seed", range(20))
def test_a_target_that_goes_back_and_forth_makes_one_event_for_a_lapse_and_one_for_its_end(seed: int) -> None:
    rng, state, now, told = random.Random(seed), BOUND, NOW, 0
    for number in range(200):
        now += rng.randint(1, 59)
        before = state
        state = follow_certificate(state, FOUND if number % 2 else OTHERS[Part.TEMPLATE], now)
        told += len(certificate_notes(before, state))
    assert told == 1
    assert lapse_of(state) is not None


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_read_a_lapse_names_a_part_that_was_another_and_survives_a_restart(seed: int) -> None:
    rng, state, now = random.Random(seed), BOUND, NOW
    for _ in range(100):
        now += rng.choice((1, 30, 60, 90))
        found = rng.choice((None, FOUND, *OTHERS.values()))
        state = follow_certificate(state, found, now)
        lapse = lapse_of(state)
        if found is not None and found != FOUND:
            assert lapse is not None and not lapse.is_back and found == OTHERS[lapse.changed[0]]
        assert restore_certified(certified_text(state.certified)) == state.certified


def test_bounds_of_a_parameter_change_nothing_of_its_meaning_and_where_it_stands_does() -> None:
    as_certified = policy()
    names = [each.name for each in as_certified.parameters]
    wider = [
        {**each.wire(), **({"maximum": "50"} if each.name == "window" else {})} for each in as_certified.parameters
    ]
    assert digest_of_parameters(policy({"parameters": wider}), names) == digest_of_parameters(as_certified, names)
    in_body = policy({"parameters": in_bodies()})
    assert digest_of_parameters(in_body, names) != digest_of_parameters(as_certified, names)
