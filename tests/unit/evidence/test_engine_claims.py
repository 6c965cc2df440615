"""The claims of an objective in the engine: which are read, under what names, and what each of them decides."""

from __future__ import annotations

import math
from dataclasses import replace
from math import nextafter

import pytest

from earlystop.api.counts import ClassAnswers, Look, Pairs, Tally
from earlystop.evidence import empirical_bernstein, engine, pairs, tokens
from earlystop.evidence.bets import Side
from earlystop.evidence.discount import GUESS_FREEDOM, Discount
from earlystop.evidence.engine import Assessment, Objective, Verdict
from earlystop.evidence.objective import (
    FLOOR,
    Basis,
    ClaimKind,
    ClassMargin,
    Guardrail,
    GuardrailKind,
    certificate_claim,
    class_claim,
)
from earlystop.evidence.tokens import Lengths

PLAIN = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05)
EVERY = replace(
    PLAIN,
    floor=0.7,
    guardrails=(
        Guardrail("votes", GuardrailKind.NEGATIVE_FEEDBACK, 2.0),
        Guardrail("errors", GuardrailKind.FAILURE_RATE, 1.5),
    ),
    classes=(ClassMargin("hard", 0.05), ClassMargin("easy", 0.02)),
    require_each=True,
)
FULL = Tally(1020, 1000, 10, 850, 150, tokens=600_000, tokens_squared=500_000_000, feedback_down=20)
SHORT = replace(FULL, tokens=400_000, tokens_squared=250_000_000)
HARD, EASY = ClassAnswers(150, 50, 150, 50), ClassAnswers(190, 10, 190, 10)
GOOD = Look(15, 0, 50, FULL, SHORT, (HARD, EASY))


def assessed(objective: Objective, *looks: Look) -> Assessment:
    return engine.assess(engine.replay(objective, looks))


def without_classes(look: Look) -> Look:
    return replace(look, classes=())


def test_a_candidate_that_breaks_every_promise_is_harmful_by_each_name_in_the_order_of_the_objective() -> None:
    worse = replace(SHORT, match=500, mismatch=500, failed=90, feedback_down=150)
    broken = replace(GOOD, candidate=worse, classes=(HARD._replace(candidate_match=60, candidate_mismatch=140),) * 2)
    found = assessed(EVERY, broken)
    expected = ("exact_match", "floor", "guardrail/votes", "guardrail/errors", "class/hard", "class/easy")
    assert tuple(map(str, found.harms)) == expected and found.harmful and found.verdict is Verdict.ROLL_BACK
    assert [str(claim) for claim, _ in found.log_e.others] == [*expected[1:], "certificate/hard", "certificate/easy"]


BAD_DAY = {"match": 610, "mismatch": 390}


@pytest.mark.parametrize(
    ("harm", "look"),
    [
        ("floor", replace(GOOD, baseline=replace(FULL, **BAD_DAY), candidate=replace(SHORT, **BAD_DAY))),
        ("guardrail/votes", replace(GOOD, candidate=replace(SHORT, feedback_down=150))),
        ("guardrail/errors", replace(GOOD, candidate=replace(SHORT, failed=90))),
        ("class/hard", replace(GOOD, classes=(HARD._replace(candidate_match=90, candidate_mismatch=110), EASY))),
    ],
)
def test_any_one_harm_is_enough_to_roll_back_and_is_the_only_one_named(harm: str, look: Look) -> None:
    found = assessed(EVERY, look)
    assert tuple(map(str, found.harms)) == (harm,) and found.verdict is Verdict.ROLL_BACK


def test_a_candidate_that_keeps_every_promise_is_promoted_and_its_proofs_are_no_harms() -> None:
    found = assessed(EVERY, *[GOOD] * 40)
    assert found.verdict is Verdict.PROMOTE and found.harms == ()
    proofs = dict(found.log_e_max.certificates)
    assert len(proofs) == 2 and min(proofs.values()) >= math.log(20)


@pytest.mark.slow
def test_where_each_class_must_be_proven_one_that_is_not_yet_holds_the_promotion_back() -> None:
    few = ClassAnswers(3, 1, 3, 1)
    looks = [replace(GOOD, classes=(few, EASY))] * 40
    each, mean_alone = assessed(EVERY, *looks), assessed(replace(EVERY, require_each=False), *looks)
    assert dict(each.log_e_max.others)[certificate_claim("easy")] >= math.log(20)
    assert dict(each.log_e_max.others)[certificate_claim("hard")] < math.log(20)
    assert each.log_e_max.promote == mean_alone.log_e_max.promote >= math.log(20)
    assert each.saves_tokens and not each.non_inferior and each.verdict is Verdict.CONTINUE
    assert mean_alone.non_inferior and mean_alone.verdict is Verdict.PROMOTE


def test_harm_to_exact_match_needs_more_evidence_where_other_claims_share_its_risk() -> None:
    look = replace(GOOD, candidate=replace(SHORT, match=776, mismatch=224), classes=())
    alone = assessed(PLAIN, look)
    assert math.log(1 / 0.05) <= alone.log_e_max.harm < math.log(1 / 0.025) and alone.harms == (engine.EXACT_MATCH,)
    shared = assessed(replace(PLAIN, floor=0.1), look)
    assert shared.log_e_max.harm < math.log(1 / 0.025) and shared.harms == ()


@pytest.mark.slow
def test_where_the_longest_answer_is_known_the_exact_token_test_decides() -> None:
    small = Tally(105, 100, 1, 85, 15, tokens=60_000, tokens_squared=50_000_000)
    look = Look(0, 0, 50, small, replace(small, tokens=48_000, tokens_squared=36_000_000))
    exact = replace(PLAIN, longest_answer=4096)
    bounded = empirical_bernstein.start(0.10, 4096)
    decided = {}
    for looks in range(1, 41):
        bounded = empirical_bernstein.update(
            bounded, Lengths(100, 60_000, 50_000_000), Lengths(100, 48_000, 36_000_000)
        )
        strict, usual = assessed(exact, *[look] * looks), assessed(PLAIN, *[look] * looks)
        assert (strict.log_e.tokens, strict.log_e_max.tokens) == (bounded.log_e, bounded.log_e_max)
        assert strict.saves_tokens is (bounded.log_e_max >= math.log(20))
        # Shown from the same sums, and never against what is claimed.
        assert strict.saving.high == usual.saving.high
        assert strict.saving.estimate == pytest.approx(0.2)
        assert usual.saving.estimate in (None, pytest.approx(0.2))
        for found in (strict, usual):
            assert found.saving.low is None or (found.saving.low > 0.10) is found.saves_tokens
        decided[looks] = usual.saves_tokens, strict.saves_tokens
    assert (True, False) in decided.values() and decided[40] == (True, True)


def test_an_answer_longer_than_the_longest_is_refused_and_the_arm_is_named() -> None:
    begun = engine.begin(replace(PLAIN, longest_answer=500))
    long = replace(SHORT, tokens=500_001, tokens_squared=250_100_000)
    assert engine.update(begun, Look(15, 0, 50, SHORT, SHORT)) != begun
    for arm, look in (("baseline", Look(15, 0, 50, long, SHORT)), ("candidate", Look(15, 0, 50, SHORT, long))):
        with pytest.raises(ValueError, match=f"{arm}: .*write a larger bound"):
            engine.update(begun, look)


def test_a_dispersion_weakens_all_evidence_on_answers() -> None:
    # Every claim on answers is on its way: the mean and class "easy" to a promotion, the floor and "hard" to harm.
    hard = HARD._replace(candidate_match=90, candidate_mismatch=110)
    objective = replace(EVERY, floor=0.9)
    looks = [replace(GOOD, classes=(hard, EASY), at=at) for at in range(15)]
    plain, dispersed = assessed(objective, *looks), assessed(replace(objective, dispersion=2.0), *looks)
    assert 0 < dispersed.log_e.promote < plain.log_e.promote
    for claim in (FLOOR, class_claim("hard"), certificate_claim("easy")):
        assert 0 < dict(dispersed.log_e.others)[claim] < dict(plain.log_e.others)[claim], claim
    assert (dispersed.log_e.tokens, dispersed.log_e.sample_ratio) == (plain.log_e.tokens, plain.log_e.sample_ratio)
    worse = without_classes(replace(GOOD, candidate=replace(SHORT, match=700, mismatch=300)))
    assert 0 < assessed(replace(PLAIN, dispersion=2.0), worse).log_e.harm < assessed(PLAIN, worse).log_e.harm


def of_pairs(new: Pairs, at: int = 15) -> Look:
    counts = {f"pairs_{name}": count for name, count in new._asdict().items()}
    return Look(at, 0, 50, FULL, replace(SHORT, **counts))


@pytest.mark.parametrize("dispersion", [1.0, 2.0])
def test_on_pairs_exact_match_is_judged_counted_and_shown_on_pairs_alone(dispersion: float) -> None:
    objective = replace(PLAIN, basis=Basis.PAIRS, dispersion=dispersion)
    # Its answers look broken, but the promise is on the questions that both answered.
    looks = [of_pairs(Pairs(340, 4, 6, 50), at) for at in range(5)]
    looks = [replace(look, candidate=replace(look.candidate, match=500, mismatch=500)) for look in looks]
    found, total = assessed(objective, *looks), Pairs(1700, 20, 30, 250)
    assert found.log_e.promote == pairs.log_e(total, 0.02, Side.PROMOTE, dispersion=dispersion)
    assert found.log_e.harm == pairs.log_e(total, 0.02, Side.HARM, dispersion=dispersion)
    shown = pairs.interval_at(total, 0.05, 0.05, dispersion)
    assert (found.effect.estimate, found.effect.high) == (shown.estimate, shown.high)
    assert found.effect.low is not None and shown.low is not None
    assert found.effect.low == max(shown.low, nextafter(-0.02, 1)) > -0.02
    assert found.scored == (2000, 2000) and found.non_inferior and found.verdict is Verdict.PROMOTE


def test_on_pairs_a_candidate_that_loses_too_many_of_them_is_rolled_back() -> None:
    found = assessed(replace(PLAIN, basis=Basis.PAIRS), of_pairs(Pairs(300, 40, 5, 55)))
    assert found.harms == (engine.EXACT_MATCH,) and found.verdict is Verdict.ROLL_BACK


@pytest.mark.parametrize(("objective", "named"), [(PLAIN, 0), (EVERY, 2)])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_look_with_another_number_of_classes_than_the_objective_names_is_refused(
    objective: Objective, named: int, number: int
) -> None:
    look, begun = replace(GOOD, classes=(HARD,) * number), engine.begin(objective)
    if number == named:
        assert engine.update(begun, look) != begun
        return
    with pytest.raises(ValueError, match=f"look at 15: answers of {number} query classes; the policy names {named}"):
        engine.update(begun, look)


@pytest.mark.parametrize("column", ClassAnswers._fields)
def test_a_negative_count_of_a_class_is_refused_and_the_class_is_named(column: str) -> None:
    look = replace(GOOD, classes=(HARD, EASY._replace(**{column: -2})))
    with pytest.raises(ValueError, match="look at 15: query class easy has a count of -2; write 0 or more"):
        engine.update(engine.begin(EVERY), look)


def test_a_class_with_more_answers_than_its_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="query class"):
        engine.update(engine.begin(EVERY), replace(GOOD, classes=(HARD, ClassAnswers(851, 0, 0, 0))))


def test_looks_with_classes_and_pairs_restored_from_their_rows_give_the_same_evidence() -> None:
    looks = [replace(GOOD, at=at) for at in (0, 15, 30)]
    assert engine.replay(EVERY, [Look.from_row(look.row()) for look in looks]) == engine.replay(EVERY, looks)
    paired, on_pairs = [of_pairs(Pairs(300, 9, 4, 40), at) for at in (0, 15)], replace(PLAIN, basis=Basis.PAIRS)
    assert engine.replay(on_pairs, [Look.from_row(look.row()) for look in paired]) == engine.replay(on_pairs, paired)


def test_a_look_in_which_a_class_has_nothing_to_compare_with_adds_nothing_to_any_exact_match_claim() -> None:
    before = assessed(EVERY, GOOD)
    after = assessed(EVERY, GOOD, replace(GOOD, at=30, classes=(HARD, ClassAnswers(0, 0, 190, 10))))
    classes = [claim for claim, _ in before.log_e.others if claim.kind is ClaimKind.QUERY_CLASS]
    assert (after.log_e.promote, after.log_e.harm) == (before.log_e.promote, before.log_e.harm)
    assert [dict(after.log_e.others)[name] for name in classes] == [dict(before.log_e.others)[name] for name in classes]
    assert after.log_e.sample_ratio != before.log_e.sample_ratio


def test_the_asymptotic_token_test_decides_where_no_longest_answer_is_known() -> None:
    process = tokens.start(0.10)
    for _ in range(4):
        lengths_b, lengths_c = (Lengths(arm.completed, arm.tokens, arm.tokens_squared) for arm in (FULL, SHORT))
        discount = Discount(process.dispersion, is_learned=True, freedom=GUESS_FREEDOM)
        process = tokens.update(process, lengths_b, lengths_c, 50, discount)
    found = assessed(PLAIN, *[without_classes(GOOD)] * 4)
    assert (found.log_e.tokens, found.log_e_max.tokens) == (process.log_e, process.log_e_max)


def test_answers_of_a_look_that_cannot_be_compared_yet_are_left_to_their_caller_altogether() -> None:
    objective = Objective(0.02, 0.1, 0.05, 0.05, floor=0.8, classes=(ClassMargin("hard", 0.03),))
    tally = Tally(100, 100, match=85, mismatch=15)
    early = Look(15, 0, 50, tally, tally, (ClassAnswers(0, 0, 3, 1),))
    state = engine.update(engine.begin(objective), early)
    found = engine.assess(state)
    assert found.scored == (0, 0) and found.effect.estimate is None
    assert dict(found.log_e.others)[FLOOR] == 0.0
    assert found.log_e.sample_ratio != 0.0 or state.tokens.block_baseline.completed == 100
