"""A certificate lapses when what it was made on changes, and no sooner; what alternates is told once."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations, product

import pytest

from earlystop.rollout.certificate.binding import Binding, Lapse, Part, digest_of_parameters
from earlystop.rollout.certificate.evaluators import differing_evaluators
from earlystop.rollout.certificate.follow import certificate_due_at, follow_certificate, is_known_to_lapse
from earlystop.rollout.certificate.words import certificate_notes, certified_condition
from earlystop.rollout.state import Certified, Phase, RolloutState
from earlystop.rollout.stored.settings import certified_text, restore_certified
from tests.unit.delivery.cluster import in_bodies
from tests.unit.rollout.policies import NOW, policy

FOUND = Binding(
    NOW, "qa-server", template="t1", images="i1", model="llama-3", parameters="p1", scorer="s1", questions="q1"
)
OTHERS = {
    Part.MODEL: replace(FOUND, model="llama-4"),
    Part.IMAGES: replace(FOUND, images="i2"),
    Part.TEMPLATE: replace(FOUND, template="t2"),
    Part.PARAMETERS: replace(FOUND, parameters="p2"),
    Part.SCORER: replace(FOUND, scorer="s2"),
    Part.QUESTIONS: replace(FOUND, questions="q2"),
}
NO_EVALUATOR = replace(FOUND, scorer="", questions="")
OF_THE_TARGET = (Part.MODEL, Part.IMAGES, Part.TEMPLATE)
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
    assert "Retry the policy" in condition.message and ("qa-server" in condition.message) is (part in OF_THE_TARGET)
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


def test_an_evaluator_that_is_missing_or_says_nothing_of_itself_shows_no_change() -> None:
    assert follow_certificate(BOUND, NO_EVALUATOR, NOW + 60) is BOUND
    for part in (Part.SCORER, Part.QUESTIONS):
        lapsed = follow_certificate(BOUND, OTHERS[part], NOW + 5)
        assert follow_certificate(lapsed, NO_EVALUATOR, NOW + 600) is lapsed, "it is not known to be back"
        assert not is_known_to_lapse(lapsed, NO_EVALUATOR) and is_known_to_lapse(lapsed, OTHERS[part])
        back = follow_certificate(lapsed, FOUND, NOW + 700)
        assert follow_certificate(back, NO_EVALUATOR, NOW + 800) is back
        assert lapse_of(follow_certificate(back, FOUND, NOW + 900)) is None


def test_a_certificate_is_bound_to_the_evaluator_that_is_found_first() -> None:
    bound = follow_certificate(PROVEN, NO_EVALUATOR, NOW)
    later = follow_certificate(bound, FOUND, NOW + 60)
    assert lapse_of(later) is None and later.certified is not None and later.certified.bound == FOUND
    assert lapse_of(follow_certificate(later, OTHERS[Part.SCORER], NOW + 120)) == Lapse(
        (Part.SCORER,), NOW + 120, NOW + 120, moments=(NOW + 120,)
    )


def test_evaluators_that_differ_are_told_of_unless_a_lapse_is() -> None:
    differing = differing_evaluators(2, 1)
    condition = certified_condition(BOUND, differing)
    assert condition is not None and (condition.status, condition.reason) == ("Unknown", "EvaluatorsDiffer")
    assert "score answers in 2 ways" in condition.message and "golden questions, --mode" in condition.message
    lapsed = certified_condition(follow_certificate(BOUND, OTHERS[Part.MODEL], NOW + 5), differing)
    assert lapsed is not None and lapsed.reason == "ModelChanged"
    assert differing_evaluators(1, 1) == differing_evaluators(0, 0) == ""


def test_what_is_put_back_holds_again_after_a_minute() -> None:
    lapsed = follow_certificate(BOUND, OTHERS[Part.IMAGES], NOW + 5)
    back = follow_certificate(lapsed, FOUND, NOW + 100)
    assert certificate_due_at(back) == NOW + 160 and certificate_due_at(lapsed) is None
    assert follow_certificate(back, FOUND, NOW + 159) is back
    held = follow_certificate(back, FOUND, NOW + 160)
    assert lapse_of(held) is None
    assert [note.reason for note in certificate_notes(back, held)] == ["CertificateHolds"]


def test_in_whatever_order_parts_change_and_are_put_back_the_lapse_names_those_that_are_others_now() -> None:
    names = {Part.MODEL: "model", Part.IMAGES: "images", Part.TEMPLATE: "template", Part.PARAMETERS: "parameters"}
    names |= {Part.SCORER: "scorer", Part.QUESTIONS: "questions"}
    for forth, back in product(permutations(Part, 3), permutations(range(3))):
        state, changed, now = BOUND, list[Part](), NOW
        for part in (*forth, *(forth[index] for index in back)):
            changed = [each for each in changed if each is not part] if part in changed else [*changed, part]
            now += 100
            others = {names[each]: getattr(OTHERS[each], names[each]) for each in changed}
            state = follow_certificate(state, replace(FOUND, **others, at=now), now)
            lapse = lapse_of(state)
            assert lapse is not None and lapse.is_back is not bool(changed)
            assert not changed or set(lapse.changed) == set(changed)
        assert lapse_of(follow_certificate(state, FOUND, now + 59)) is not None
        assert lapse_of(follow_certificate(state, FOUND, now + 60)) is None


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


def test_each_part_is_another_since_a_moment_of_its_own_whatever_else_changes_later() -> None:
    month, state = NOW + 30 * 86400, follow_certificate(BOUND, OTHERS[Part.IMAGES], NOW + 5)
    both = replace(OTHERS[Part.IMAGES], questions="q2")
    state = follow_certificate(state, both, month)
    assert lapse_of(state) == Lapse((Part.IMAGES, Part.QUESTIONS), NOW + 5, month, moments=(NOW + 5, month))
    assert restore_certified(certified_text(state.certified)) == state.certified
    back = follow_certificate(state, FOUND, month + 10)
    again = lapse_of(follow_certificate(back, OTHERS[Part.IMAGES], month + 40))
    assert again is not None and again.moments == (NOW + 5,), "it was back for less than a minute"
    without_images = follow_certificate(state, OTHERS[Part.QUESTIONS], month + 50)
    anew = lapse_of(follow_certificate(without_images, both, month + 900))
    assert anew is not None and anew.moments == (month + 900, month)
    old = lapse_of(state)
    assert old is not None and replace(old, moments=()).moment_of(Part.IMAGES) == month
    assert old.moment_of(Part.MODEL) is None


def test_bounds_of_a_parameter_change_nothing_of_its_meaning_and_where_it_stands_does() -> None:
    as_certified = policy()
    names = [each.name for each in as_certified.parameters]
    wider = [
        {**each.wire(), **({"maximum": "50"} if each.name == "window" else {})} for each in as_certified.parameters
    ]
    assert digest_of_parameters(policy({"parameters": wider}), names) == digest_of_parameters(as_certified, names)
    in_body = policy({"parameters": in_bodies()})
    assert digest_of_parameters(in_body, names) != digest_of_parameters(as_certified, names)
