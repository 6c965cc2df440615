"""The engine: one fold over looks, deterministic, with verdicts that follow from its claims."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import TALLY_FIELDS, ClassAnswers, Look, Tally
from earlystop.evidence import engine
from earlystop.evidence import shown as intervals_shown
from earlystop.evidence.engine import Assessment, Claims, LogE, Objective, Verdict
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import FLOOR, Basis, ClassMargin, Guardrail, GuardrailKind, certificate_claim
from earlystop.evidence.setting_check import Effect
from tests.unit.every_row import every_row
from tests.unit.evidence.simulate import examples

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05)
FULL = Tally(started=105, completed=100, failed=1, match=85, mismatch=15, tokens=60_000, tokens_squared=50_000_000)
SHORT = replace(FULL, tokens=40_000, tokens_squared=25_000_000)
WRONG = replace(SHORT, match=55, mismatch=45)
EQUAL = Look(0, 0, 50, FULL, SHORT)


def assessed(*looks: Look) -> Assessment:
    return engine.assess(engine.replay(OBJECTIVE, looks))


counts = st.one_of(st.integers(0, 300), st.integers(0, 2**63))
tallies = st.builds(Tally, *[counts] * len(TALLY_FIELDS))
any_looks = st.lists(
    st.builds(Look, st.integers(0, 2**31), st.integers(0, 9), st.integers(1, 99), tallies, tallies),
    max_size=8,
)
any_objective = st.builds(
    Objective, st.floats(1e-6, 0.999999), st.floats(0, 0.999), st.floats(1e-9, 0.999), st.floats(1e-9, 0.999)
)


names = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True)
ratios = st.floats(1.0001, 100)


@st.composite
def claims_and_looks(draw: st.DrawFn) -> tuple[Objective, list[Look]]:
    """An objective of any claims, and looks whose tallies hold at least the answers of its classes.

    With a floor counts end at 10^12: past 10^14 answers no float tells a rate at the floor from it.
    """
    basis, floor = draw(st.sampled_from(list(Basis))), draw(st.none() | st.floats(1e-6, 0.999999))
    objective = replace(
        draw(any_objective),
        floor=floor,
        guardrails=tuple(
            Guardrail(name, draw(st.sampled_from(list(GuardrailKind))), draw(ratios)) for name in draw(names)
        ),
        classes=tuple(ClassMargin(name, draw(st.floats(1e-6, 0.999999))) for name in draw(names))
        if basis is Basis.ANSWERS
        else (),
        require_each=draw(st.booleans()),
        basis=basis,
        dispersion=draw(st.floats(1, 1000)),
    )
    count = st.one_of(st.integers(0, 300), st.integers(0, 2**63 if floor is None else 10**12))
    tally = st.builds(Tally, *[count] * len(TALLY_FIELDS))
    answers = st.builds(ClassAnswers, *[count | st.just(0)] * 4)
    return objective, [
        holding(Look(15 * at, 0, draw(st.integers(1, 99)), draw(tally), draw(tally)), rows)
        for at, rows in enumerate(
            draw(st.lists(st.tuples(*[answers] * len(objective.classes)), min_size=1, max_size=4))
        )
    ]


def holding(look: Look, classes: tuple[ClassAnswers, ...]) -> Look:
    """The look with these answers of classes on top of those it has."""
    match_b, miss_b, match_c, miss_c = (sum(column) for column in zip(ClassAnswers(), *classes, strict=True))
    baseline, candidate = Tally(match=match_b, mismatch=miss_b), Tally(match=match_c, mismatch=miss_c)
    return replace(look, baseline=look.baseline + baseline, candidate=look.candidate + candidate, classes=classes)


@pytest.mark.slow
@examples
@given(st.one_of(st.tuples(any_objective, any_looks), claims_and_looks()))
def test_no_counts_whatsoever_raise_or_leave_a_number_that_is_not_finite(drawn: tuple[Objective, list[Look]]) -> None:
    objective, looks = drawn
    state = engine.begin(objective)
    for look in looks:
        state = engine.update(state, look)
        found = engine.assess(state)
        assert all(math.isfinite(value) for value in (*numbers(found.log_e), *numbers(found.log_e_max)))
        assert all(value >= 0 for value in numbers(found.log_e_max))
        for shown in (found.effect, found.saving):
            known = [value for value in (shown.low, shown.estimate, shown.high) if value is not None]
            assert all(math.isfinite(value) for value in known) and known == sorted(known)


def numbers(log_e: LogE) -> list[float]:
    return [log_e.promote, log_e.harm, log_e.tokens, log_e.sample_ratio, *(value for _, value in log_e.others)]


@pytest.mark.slow
@examples
@given(any_looks)
def test_a_replay_gives_the_same_floats_as_folding_look_by_look(looks: list[Look]) -> None:
    state = engine.begin(OBJECTIVE)
    for look in looks:
        state = engine.update(state, look)
    again = engine.replay(OBJECTIVE, iter(looks))
    assert again == state
    assert repr(engine.assess(again)) == repr(engine.assess(state))


@pytest.mark.slow
@examples
@given(st.one_of(st.tuples(st.just(OBJECTIVE), any_looks), claims_and_looks()), st.integers(0, 8))
def test_claims_once_made_stay_made(drawn: tuple[Objective, list[Look]], at: int) -> None:
    objective, looks = drawn
    before, after = (engine.assess(engine.replay(objective, seen)) for seen in (looks[:at], looks))
    for name in ("non_inferior", "saves_tokens", "harmful", "sample_ratio_broken"):
        assert getattr(after, name) >= getattr(before, name)
    assert set(after.harms) >= set(before.harms)


@pytest.mark.slow
@examples
@given(claims_and_looks())
def test_every_claim_besides_the_four_goes_by_its_name_in_the_objectives_order(
    drawn: tuple[Objective, list[Look]],
) -> None:
    objective, looks = drawn
    found = engine.assess(engine.replay(objective, looks))
    proofs = [certificate_claim(each.name) for each in objective.classes if objective.require_each]
    harms = list(objective.harm_risks.guardrails)
    assert [name for name, _ in found.log_e.others] == [name for name, _ in found.log_e_max.others] == harms + proofs
    assert found.harms == tuple(name for name in [engine.EXACT_MATCH, *harms] if name in found.harms)


def test_no_look_means_no_evidence() -> None:
    nothing = LogE(0.0, 0.0, 0.0, 0.0)
    found = assessed()
    assert found.log_e == nothing == found.log_e_max and found.verdict is Verdict.CONTINUE
    assert found.scored == (0, 0) and found.effect.estimate is None and found.saving.estimate is None


@pytest.mark.slow
def test_a_shorter_candidate_that_is_as_exact_is_promoted_and_not_at_once() -> None:
    verdicts = [assessed(*[EQUAL] * looks).verdict for looks in range(1, 61)]
    first = verdicts.index(Verdict.PROMOTE)
    assert 20 <= first <= 55 and set(verdicts[:first]) == {Verdict.CONTINUE}
    assert set(verdicts[first:]) == {Verdict.PROMOTE}


def test_a_candidate_that_is_exact_but_saves_too_little_is_not_promoted() -> None:
    slight = replace(FULL, tokens=57_000, tokens_squared=45_000_000)
    found = assessed(*[Look(0, 0, 50, FULL, slight)] * 80)
    assert found.non_inferior and not found.saves_tokens and found.verdict is Verdict.CONTINUE


def test_a_broken_candidate_is_rolled_back_after_one_look() -> None:
    found = assessed(Look(0, 0, 50, FULL, WRONG))
    assert found.harmful and not found.non_inferior and found.verdict is Verdict.ROLL_BACK


def test_traffic_in_the_wrong_ratio_blocks_a_promotion_and_never_a_rollback() -> None:
    flooded = replace(FULL, started=300)
    found = assessed(*[Look(0, 0, 50, flooded, SHORT)] * 60)
    assert found.non_inferior and found.saves_tokens and found.sample_ratio_broken
    assert found.verdict is Verdict.CONTINUE
    assert assessed(Look(0, 0, 50, flooded, WRONG)).verdict is Verdict.ROLL_BACK


@examples
@given(claims_and_looks())
def test_claims_are_the_same_whether_or_not_intervals_were_asked_for(drawn: tuple[Objective, list[Look]]) -> None:
    state, again = engine.replay(*drawn), engine.replay(*drawn)
    first, whole = state.claims, again.assessment
    assert again.claims is whole, "nothing is worked out twice"
    for each in fields(Claims):
        assert getattr(first, each.name) == getattr(whole, each.name)
    assert state.assessment == whole and state.claims == whole


def test_a_look_that_decides_nothing_finds_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_: object, **__: object) -> Interval:
        raise AssertionError("an interval was asked for")

    monkeypatch.setattr(intervals_shown, "saving", found)
    monkeypatch.setattr(intervals_shown, "effect", found)
    assert engine.replay(OBJECTIVE, [EQUAL] * 3).claims.verdict is Verdict.CONTINUE


@every_row("setting", list(Effect))
@every_row("bits", range(16))
def test_harm_comes_before_promotion_and_promotion_needs_all_of_its_claims(bits: int, setting: Effect) -> None:
    non_inferior, saves, harmful, broken = (bool(bits & 1 << place) for place in range(4))
    nothing, open_interval = LogE(0, 0, 0, 0), Interval(None, None, None)
    harms = (FLOOR,) if harmful else ()
    found = Assessment(
        log_e=nothing,
        log_e_max=nothing,
        effect=open_interval,
        saving=open_interval,
        scored=(0, 0),
        setting=setting,
        non_inferior=non_inferior,
        saves_tokens=saves,
        harms=harms,
        sample_ratio_broken=broken,
    )
    promotable = non_inferior and saves and not broken and setting is not Effect.NOT_MOVED
    expected = Verdict.ROLL_BACK if harmful else Verdict.PROMOTE if promotable else Verdict.CONTINUE
    assert found.verdict is expected


def test_a_candidate_whose_lengths_show_that_the_setting_is_not_in_force_is_never_promoted() -> None:
    objective = replace(OBJECTIVE, minimum_saving=0.1)
    many = Tally(1050, 1000, 10, 850, 150, tokens=600_000, tokens_squared=361_000_000)
    unmoved = replace(many, tokens=598_200, tokens_squared=358_900_000)
    found = engine.assess(engine.replay(objective, [Look(0, 0, 50, many, unmoved)] * 38))
    assert found.non_inferior and not found.harmful and not found.sample_ratio_broken
    assert found.setting is Effect.NOT_MOVED and found.verdict is Verdict.CONTINUE
    any_saving = engine.replay(replace(objective, minimum_saving=0.0), [Look(0, 0, 50, many, unmoved)] * 38)
    assert engine.assess(any_saving).setting is Effect.MOVED, "lengths that are shown to be shorter have moved"
    broken = replace(unmoved, match=550, mismatch=450)
    harmed = engine.replay(objective, [Look(0, 0, 50, many, broken)] * 38)
    assert engine.assess(harmed).verdict is Verdict.ROLL_BACK


@pytest.mark.parametrize(
    ("claim", "process", "risk", "look"),
    [
        ("non_inferior", "promote", "risk_promote", EQUAL),
        ("saves_tokens", "tokens", "risk_promote", EQUAL),
        ("harmful", "harm", "risk_harm", Look(0, 0, 50, FULL, replace(SHORT, match=80, mismatch=20))),
        (
            "sample_ratio_broken",
            "sample_ratio",
            "risk_sample_ratio",
            replace(EQUAL, baseline=replace(FULL, started=125)),
        ),
    ],
)
def test_each_claim_is_made_exactly_when_its_largest_e_value_reaches_one_over_its_own_risk(
    claim: str, process: str, risk: str, look: Look
) -> None:
    looks = [look] * 30
    peak: float = getattr(assessed(*looks).log_e_max, process)
    assert 0 < peak < 600
    for factor, expected in ((math.exp(-1), False), (math.exp(1), True)):
        others = dict.fromkeys(("risk_promote", "risk_harm", "risk_sample_ratio"), 1e-300 if expected else 0.999)
        risks = others | {risk: math.exp(-peak) * factor}
        objective = replace(OBJECTIVE, **risks)  # type: ignore[arg-type]
        found = engine.assess(engine.replay(objective, looks))
        # Looks near the line are taken in parts, so the line moves the evidence a little.
        assert getattr(found.log_e_max, process) == pytest.approx(peak, abs=0.5)
        assert getattr(found, claim) is expected is (getattr(found.log_e_max, process) >= -math.log(risks[risk]))


def test_an_arm_without_scored_answers_adds_nothing_to_exact_match_but_its_requests_still_count() -> None:
    silent = replace(SHORT, match=0, mismatch=0)
    before, after = assessed(EQUAL), assessed(EQUAL, Look(15, 0, 50, FULL, silent))
    assert after.log_e.promote == before.log_e.promote and after.log_e.harm == before.log_e.harm
    assert after.scored == before.scored == (100, 100) and after.effect == before.effect
    assert after.log_e.sample_ratio != before.log_e.sample_ratio


def test_a_candidate_that_receives_no_request_at_all_is_found_by_the_sample_ratio() -> None:
    found = assessed(*[Look(0, 0, 5, FULL, Tally())] * 12)
    assert found.sample_ratio_broken and found.log_e.promote == 0.0


def test_an_update_leaves_the_state_it_started_from_as_it_was() -> None:
    state = engine.replay(OBJECTIVE, [EQUAL] * 3)
    kept = repr(state)
    engine.update(state, EQUAL)
    assert repr(state) == kept


def test_looks_restored_from_their_stored_rows_give_the_same_evidence() -> None:
    looks = [replace(EQUAL, at=at, weight=weight) for at, weight in ((0, 5), (15, 25), (30, 50))]
    assert engine.replay(OBJECTIVE, [Look.from_row(look.row()) for look in looks]) == engine.replay(OBJECTIVE, looks)


@every_row("variant", ["baseline", "candidate"])
@every_row("name", TALLY_FIELDS)
def test_a_negative_count_is_refused_and_its_field_is_named(variant: str, name: str) -> None:
    bad = replace(FULL, **{name: -3})
    look = Look(1234, 0, 50, bad, SHORT) if variant == "baseline" else Look(1234, 0, 50, FULL, bad)
    with pytest.raises(ValueError, match=rf"look at 1234: {variant}\.{name} is -3; write the increment"):
        engine.update(engine.begin(OBJECTIVE), look)


@pytest.mark.parametrize("weight", [0, 100, -5])
def test_a_weight_that_leaves_an_arm_without_traffic_is_refused(weight: int) -> None:
    with pytest.raises(ValueError, match=r"weight is .* 1\.\.99"):
        engine.update(engine.begin(OBJECTIVE), replace(EQUAL, weight=weight))


DOMAINS = ("margin", "minimum_saving", "risk_promote", "risk_harm", "risk_sample_ratio")


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_an_objective_outside_its_domain_is_refused_and_its_field_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        replace(OBJECTIVE, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.99, float("nan")])
def test_a_dispersion_below_one_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="dispersion is"):
        replace(OBJECTIVE, dispersion=value)
