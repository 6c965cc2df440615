"""The judged part of a policy: what starts a new campaign when it is edited, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import commitment_in
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, ClassMargin, Guardrail, GuardrailKind, Objective
from earlystop.evidence.version import CURRENT, FIRST, SECOND
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.plan import StageKind, parse_plan, plan_text
from earlystop.rollout.revision import revision_of
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, UID, examples, policy, started, written

PARAMETER = {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
OTHER = {"name": "patience", "type": "Decimal", "minimum": "0", "maximum": "9", "stopsSooner": "WhenLower"}

JUDGED: dict[str, dict[str, Any]] = {
    "target": {"targetRef": {"name": "other"}},
    "a parameter's bound": {"parameters": [{**PARAMETER, "maximum": "50"}, OTHER]},
    "a parameter's direction": {"parameters": [{**PARAMETER, "stopsSooner": "WhenHigher"}, OTHER]},
    "the baseline's value": {
        "baseline": {"values": [{"name": "window", "value": "39"}, {"name": "patience", "value": "2.5"}]}
    },
    "the candidate's value": {"candidates": [{"name": "w10", "values": [{"name": "window", "value": "11"}]}]},
    "the candidate's name": {"candidates": [{"name": "w11", "values": [{"name": "window", "value": "10"}]}]},
    "a step's weight": {"rollout": {"steps": [{"weight": 6}]}},
    "a step's least time": {"rollout": {"steps": [{"weight": 5, "minimumSeconds": 61}]}},
    "how steps are left": {"rollout": {"advance": "WhenSafe"}},
    "the least hours": {"rollout": {"minimumHours": 24}},
    "the route": {"delivery": {"gatewayHeader": {"routeRef": {"name": "other"}}}},
    "the header prefix": {"delivery": {"gatewayHeader": {"headerPrefix": "x-stop-"}}},
    "the source": {"metrics": {"sourceRef": {"name": "other"}}},
    "the margin": {"objective": {"exactMatch": {"margin": "0.06"}}},
    "the saving": {"objective": {"tokens": {"minimumSaving": "0.11"}}},
    "the risk": {"objective": {"risk": {"harm": "0.01"}}},
    "the floor": {"objective": {"exactMatch": {"floor": "0.8"}}},
    "what EM is compared on": {"objective": {"exactMatch": {"evidence": "Pairs"}}},
    "the dispersion": {"objective": {"exactMatch": {"dispersion": "1.5"}}},
    "the longest answer": {"objective": {"tokens": {"longestAnswer": 4096}}},
    "a guardrail": {"objective": {"guardrails": [{"name": "f", "kind": "FailureRate", "maximumRatio": "1.5"}]}},
    "a query class": {"objective": {"queryClasses": [{"name": "hard", "margin": "0.03"}]}},
    "a proof of each": {"objective": {"queryClasses": [{"name": "hard", "margin": "0.03"}], "requireEach": True}},
}

NOT_JUDGED: dict[str, dict[str, Any]] = {
    "suspend": {"suspend": True},
    "look seconds": {"rollout": {"lookSeconds": 1}},
    "settle seconds": {"rollout": {"settleSeconds": 1}},
    "deadline": {"rollout": {"deadlineSeconds": 60}},
    "the choice at the deadline": {"rollout": {"onInconclusive": "Hold"}},
    "the choice without metrics": {"rollout": {"onNoMetrics": {"holdSeconds": 1, "then": "Hold"}}},
    "guard": {"guard": {"holdbackWeight": 9}},
    "approval": {"approval": {"mode": "Always"}},
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "risk": {"objective": {"risk": {"promote": "0.05", "harm": "0.05"}}},
    "empty risk": {"objective": {"risk": {}}},
    "prefix": {"delivery": {"gatewayHeader": {"headerPrefix": "x-early-stop-"}}},
    "preset": {"metrics": {"preset": "EarlyStop"}},
    "require each": {"objective": {"requireEach": False}},
    "answers as evidence": {"objective": {"exactMatch": {"evidence": "Answers"}}},
    "strategy": {"rollout": {"strategy": "Canary"}},
    "step time": {
        "rollout": {
            "steps": [
                {"weight": 5, "minimumSeconds": 60},
                {"weight": 25, "minimumSeconds": 60},
                {"weight": 50, "minimumSeconds": 0},
            ]
        }
    },
    "respelled margin": {"objective": {"exactMatch": {"margin": "0.0500"}, "tokens": {"minimumSaving": "0.1"}}},
    "respelled bound": {"parameters": [{**PARAMETER, "maximum": "40.0"}, OTHER]},
    "nothing": {},
}


@pytest.mark.parametrize("name", JUDGED)
def test_an_edit_of_what_is_judged_changes_the_plan(name: str) -> None:
    assert plan_text(policy(JUDGED[name])) != plan_text(policy())


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_an_edit_of_anything_else_does_not_change_the_plan(name: str) -> None:
    assert plan_text(policy(NOT_JUDGED[name])) == plan_text(policy())


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_that_is_written_out_or_respelled_does_not_change_the_plan(name: str) -> None:
    assert plan_text(policy(DEFAULTS[name])) == plan_text(policy())


@pytest.mark.slow
@examples
@given(st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_change_the_plan(random: Any) -> None:
    assert plan_text(PolicySpec.model_validate(_shuffled(written(), random))) == plan_text(policy())


@every_row("name", [*JUDGED, *NOT_JUDGED, *DEFAULTS])
def test_a_plan_is_read_back_from_its_text(name: str) -> None:
    spec = policy((JUDGED | NOT_JUDGED | DEFAULTS)[name])
    plan = parse_plan(plan_text(spec, "token"))
    assert plan_text(plan.spec, "token") == plan.text == plan_text(spec, "token")
    assert plan.baseline_settings == spec.baseline_settings()
    assert tuple(stage.weight for stage in plan.stages) == tuple(step.weight for step in spec.rollout.steps)
    assert tuple(stage.minimum_seconds for stage in plan.stages) == tuple(
        step.minimum_seconds for step in spec.rollout.steps
    )
    assert plan.objective.margin == float(spec.objective.exact_match.margin)


EVERYTHING: dict[str, Any] = {
    "exactMatch": {"margin": "0.04", "floor": "0.75", "dispersion": "1.25"},
    "tokens": {"minimumSaving": "0.2", "longestAnswer": 4096},
    "guardrails": [
        {"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"},
        {"name": "unhappy", "kind": "NegativeFeedback", "maximumRatio": "2"},
    ],
    "queryClasses": [{"name": "multi-hop", "margin": "0.03"}, {"name": "easy", "margin": "0.1"}],
    "requireEach": True,
    "risk": {"promote": "0.01", "harm": "0.02"},
}


def test_a_plan_judges_by_every_field_of_the_policys_objective() -> None:
    assert parse_plan(plan_text(policy({"objective": EVERYTHING}))).objective == Objective(
        margin=0.04,
        minimum_saving=0.2,
        risk_promote=0.01,
        risk_harm=0.02,
        floor=0.75,
        guardrails=(
            Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),
            Guardrail("unhappy", GuardrailKind.NEGATIVE_FEEDBACK, 2.0),
        ),
        classes=(ClassMargin("multi-hop", 0.03), ClassMargin("easy", 0.1)),
        require_each=True,
        basis=Basis.ANSWERS,
        dispersion=1.25,
        longest_answer=4096,
        source=DispersionSource.GIVEN,
    )


def test_a_plan_that_reads_pairs_says_so() -> None:
    plan = parse_plan(plan_text(policy({"objective": {"exactMatch": {"evidence": "Pairs"}}})))
    assert plan.objective.basis is Basis.PAIRS


def test_a_plan_asks_for_nothing_that_the_policy_does_not() -> None:
    assert parse_plan(plan_text(policy())).objective == Objective(0.05, 0.1, 0.05, 0.05)


@pytest.mark.parametrize(
    ("exact_match", "source"),
    [
        ({"assumeIndependent": False}, DispersionSource.LOOKS),
        ({"assumeIndependent": True}, DispersionSource.ASSUMED),
        ({"dispersion": "1"}, DispersionSource.GIVEN),
        ({"assumeIndependent": False, "evidence": "Pairs"}, DispersionSource.BY_DESIGN),
    ],
)
def test_a_plan_says_from_where_the_dispersion_is_known(exact_match: dict[str, Any], source: DispersionSource) -> None:
    text = plan_text(policy({"objective": {"exactMatch": exact_match}}))
    assert parse_plan(text).objective.source is source
    # Version 1 of the engine took what the policy said, or 1.
    first = {name: value for name, value in json.loads(text).items() if name != "engine"}
    assert parse_plan(json.dumps(first)).objective.source is DispersionSource.ASSUMED


def test_a_plan_holds_no_word_about_what_was_left_out_or_has_its_default() -> None:
    absent = ("evidence", "dispersion", "floor", "longestAnswer", "guardrails", "queryClasses", "requireEach", "risk")
    for changes in ({}, DEFAULTS["require each"], DEFAULTS["answers as evidence"], DEFAULTS["risk"]):
        told = json.loads(plan_text(policy(changes)))["objective"]
        assert told == {
            "exactMatch": {"margin": "0.05", "assumeIndependent": True},
            "tokens": {"minimumSaving": "0.1"},
        }
        assert not [name for name in absent if f'"{name}"' in json.dumps(told)]


def test_query_classes_on_pairs_are_no_plan() -> None:
    classes = [{"name": "hard", "margin": "0.03"}]
    spec = policy({"objective": {"exactMatch": {"evidence": "Pairs"}, "queryClasses": classes}})
    with pytest.raises(ValueError, match="classes are compared on answers"):
        parse_plan(plan_text(spec))


def test_what_a_candidate_leaves_out_is_the_baselines() -> None:
    plan = parse_plan(plan_text(policy()))
    assert plan.baseline_settings == {"window": "40", "patience": "2.5"}
    assert plan.settings == ({"window": "10", "patience": "2.5"},)


def test_every_retry_token_is_a_plan_of_its_own_that_tries_the_same() -> None:
    texts = {plan_text(policy(), token) for token in ("", "1", "2", 'a "quoted" é')}
    assert len(texts) == 4
    assert len({str(parse_plan(text).spec) for text in texts}) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"strategy":"Canary"}', '{"strategy":"Canary","steps":[]}'])
def test_text_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_plan(text)


def test_a_canarys_plan_has_just_one_candidate() -> None:
    text = json.loads(plan_text(policy()))
    for candidates in ([], [{"name": f"c{n}", "values": [{"name": "window", "value": str(n)}]} for n in (1, 2)]):
        with pytest.raises(ValueError, match=r"one candidate|at least 1"):
            parse_plan(json.dumps({**text, "candidates": candidates}))


def test_every_campaign_of_every_policy_has_its_own_revision() -> None:
    revisions = {revision_of(uid, campaign, "") for uid in (UID, "other") for campaign in range(1, 500)}
    assert len(revisions) == 998
    assert {len(revision) for revision in revisions} == {10}


def test_nobody_who_knows_a_policy_foretells_the_revision_of_its_next_campaign() -> None:
    assert len({revision_of(UID, 2, entropy) for entropy in ("", "a", "b", "ab")}) == 4


def test_a_revision_holds_the_commitment_to_its_token_and_no_other_goes_with_its_name() -> None:
    first, second = (revision_of(UID, 2, "random", commitment) for commitment in ("k5q2" * 5, "a7b3" * 5))
    assert (commitment_in(first), commitment_in(second)) == ("k5q2" * 5, "a7b3" * 5)
    assert first.partition("-")[0] != second.partition("-")[0]
    assert commitment_in(revision_of(UID, 2, "random")) == ""


def _shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: _shuffled(child, random) for key, child in items}
    return [_shuffled(child, random) for child in value] if isinstance(value, list) else value


def test_a_plan_names_the_version_of_its_engine_and_one_that_names_none_is_of_version_1() -> None:
    assert parse_plan(plan_text(policy())).objective.engine == CURRENT
    first = plan_text(policy(), engine=FIRST)
    assert "engine" not in json.loads(first) and parse_plan(first).objective.engine == FIRST


@pytest.mark.parametrize("engine", [0, CURRENT + 1, "2", None])
def test_a_plan_of_a_version_that_this_release_does_not_know_is_refused(engine: Any) -> None:
    text = {**json.loads(plan_text(policy())), "engine": engine}
    with pytest.raises(ValueError, match=f"and this release knows {FIRST} to {CURRENT};"):
        parse_plan(json.dumps(text))


def test_a_campaign_goes_on_under_the_version_that_it_began_with_and_the_next_one_has_the_present() -> None:
    spec = policy()
    earlier = replace(started(spec), plan=parse_plan(plan_text(spec, engine=FIRST)))
    assert start_campaign(spec, "", earlier, NOW, CampaignInputs(uid=UID, entropy="")) is earlier
    retried = start_campaign(spec, "again", earlier, NOW, CampaignInputs(uid=UID, entropy=""))
    assert retried.campaign == 2 and retried.pinned_plan.objective.engine == CURRENT


@pytest.mark.parametrize("engine", [FIRST, SECOND, CURRENT])
@pytest.mark.parametrize("attempt", [1, 2, 3])
@pytest.mark.parametrize("retry", ["", "again"])
def test_a_policy_asks_for_its_plan_whatever_its_engine_and_attempt_until_it_is_edited_or_retried(
    engine: int, attempt: int, retry: str
) -> None:
    spec, edited = (policy({"objective": {"risk": {"campaigns": count}}}) for count in (3, 4))
    plan = parse_plan(plan_text(spec, retry, engine, attempt))
    assert plan.is_asked_for(spec, retry)
    assert not plan.is_asked_for(edited, retry) and not plan.is_asked_for(spec, "once more")


@pytest.mark.parametrize("together", [False, True])
def test_harm_in_shadow_and_on_live_answers_share_its_risk(together: bool) -> None:
    rollout: dict[str, Any] = {"shadowSeconds": 600}
    if together:
        rollout |= {"strategy": "ABTest", "steps": [{"weight": 20}]}
    plan = parse_plan(plan_text(policy({"rollout": rollout, "objective": {"risk": {"harm": "0.04"}}})))
    risks = {plan.stage(step).kind: plan.objective_at(step, None).risk_harm for step in range(len(plan.stages))}
    assert set(risks) == {StageKind.SHADOW, StageKind.SPLIT}
    assert sum(risks.values()) == pytest.approx(0.04) and min(risks.values()) > 0
    first = parse_plan(plan_text(plan.spec, engine=FIRST))
    assert {first.objective_at(step, None).risk_harm for step in range(len(first.stages))} == {0.04}


def test_a_campaign_that_is_judged_in_one_way_has_the_whole_risk_of_harm() -> None:
    for changes in ({}, {"rollout": {"learnSeconds": 600}}):
        plan = parse_plan(plan_text(policy(changes)))
        assert {plan.objective_at(step, None).risk_harm for step in range(len(plan.stages))} == {0.05}


def test_a_declared_session_says_how_many_looks_teach_and_is_pinned_with_how_often_is_looked() -> None:
    said = {"assumeIndependent": None, "longestSessionSeconds": 60}
    spec, slower = (policy({"objective": {"exactMatch": said}, "rollout": {"lookSeconds": each}}) for each in (15, 60))
    plan = parse_plan(plan_text(spec))
    assert plan.objective.known_looks == 16 and plan.objective.source is DispersionSource.LOOKS
    assert plan.objective.sessions_declared
    assert plan.is_asked_for(spec, "") and not plan.is_asked_for(slower, "")
    assert parse_plan(plan.text).objective == plan.objective
    longer = policy({"objective": {"exactMatch": {**said, "longestSessionSeconds": 285}}})
    objective = parse_plan(plan_text(longer)).objective
    assert (objective.known_looks, objective.sessions_declared) == (32, True), "as many as by default, and vouched for"


def test_how_often_is_looked_is_no_part_of_a_plan_that_declares_no_session() -> None:
    said = {"objective": {"exactMatch": {"assumeIndependent": None}}}
    texts = {plan_text(policy({**said, "rollout": {"lookSeconds": each}})) for each in (5, 15, 60)}
    assert len(texts) == 1
    objective = parse_plan(texts.pop()).objective
    assert (objective.known_looks, objective.sessions_declared) == (32, False)
