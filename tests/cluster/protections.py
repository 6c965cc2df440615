"""Each field of a policy that protects people: a policy that has it, an edit that weakens it, and one that does not."""

from __future__ import annotations

from typing import Any, NamedTuple

Edit = dict[str, Any]


class Protection(NamedTuple):
    """field: below spec. was: what the policy has beside the usual. weaker, stricter: merge patches of its spec."""

    field: str
    was: Edit
    weaker: Edit
    stricter: Edit


def _match(**values: Any) -> Edit:
    return {"objective": {"exactMatch": {"margin": "0.05", **values}}}


def _objective(**values: Any) -> Edit:
    return {"objective": values}


def _rollout(**values: Any) -> Edit:
    return {"rollout": values}


def _guardrail(ratio: str, kind: str = "FailureRate") -> list[Edit]:
    return [{"name": "failures", "kind": kind, "maximumRatio": ratio}]


def _classes(margin: str, **more: Any) -> list[Edit]:
    return [{"name": "hops", "margin": margin, **more}]


def _gate(seconds: int = 60, name: str = "load") -> Edit:
    return {
        "name": name,
        "condition": {"kind": "Deployment", "name": "qa-server", "type": "Available"},
        "timeoutSeconds": seconds,
    }


_TWO = [{"name": name, "values": [{"name": "window", "value": value}]} for name, value in (("w10", "10"), ("w5", "5"))]
_BY_CLASS = {"candidates": _TWO, "rollout": {"strategy": "ABTest", "steps": [{"weight": 30}]}}
_STEPS = [{"weight": 5, "minimumSeconds": 60}, {"weight": 50}]
_COHORTS = {
    "delivery": {
        "mode": "HeaderCohort",
        "gatewayHeader": None,
        "headerCohort": {
            "routeRef": {"name": "qa"},
            "header": "x-cohort",
            "cohorts": [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}],
        },
    },
    "rollout": {"strategy": "ABTest", "steps": None, "aaSeconds": 600, "minimumSeconds": 60, "deadlineSeconds": 7200},
}
_VALUES = [{"name": "window", "value": "40"}, {"name": "patience", "value": "2.5"}]
_LEARNING = {"assumeIndependent": None}
_BASE_PAIRS = {**_LEARNING, "evidence": "Pairs", "questions": {"about": "Population", "number": 500}}

_PARAMETERS = [
    {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"},
    {"name": "patience", "type": "Decimal", "minimum": "0", "maximum": "9", "stopsSooner": "WhenLower"},
]

PROTECTIONS = (
    Protection("approval", {}, {"approval": {"expiresSeconds": 600}}, {"certificate": {"onChange": "Revalidate"}}),
    Protection(
        "baseline.values",
        {},
        {"baseline": {"values": [{"name": "window", "value": "1"}, {"name": "patience", "value": "2.5"}]}},
        {"candidates": [{"name": "w10", "values": [{"name": "window", "value": "20"}]}]},
    ),
    Protection(
        "parameters",
        {},
        {"parameters": [{**each, "maximum": "99"} for each in _PARAMETERS]},
        {"parameters": _PARAMETERS},
    ),
    Protection(
        "baseline.pinned",
        {"baseline": {"values": _VALUES, "pinned": {"values": _VALUES}}},
        {"baseline": {"pinned": None}},
        {"objective": {"exactMatch": {"margin": "0.04"}}},
    ),
    Protection("objective.exactMatch.margin", _match(), _match(margin="0.06"), _match(margin="0.04")),
    Protection("objective.exactMatch.floor", _match(floor="0.8"), _match(floor="0.7"), _match(floor="0.85")),
    Protection("objective.exactMatch.floor", _match(floor="0.8"), _match(floor=None), _match(floor="0.80")),
    Protection(
        "objective.exactMatch.evidence", _match(**_BASE_PAIRS), _match(evidence="Answers", questions=None), _match()
    ),
    Protection("objective.exactMatch.questions", _match(**_BASE_PAIRS), _match(questions={"number": 9000}), _match()),
    Protection(
        "objective.exactMatch.unscored",
        _match(),
        _match(unscored="Exclude"),
        _match(unscored="CountAsMismatch"),
    ),
    Protection("objective.exactMatch.assumeIndependent", _match(**_LEARNING), _match(assumeIndependent=True), _match()),
    Protection("objective.exactMatch.repeatedAnswers", _match(**_LEARNING), _match(repeatedAnswers=True), _match()),
    Protection(
        "objective.exactMatch.dispersion",
        _match(**_LEARNING, dispersion="2"),
        _match(dispersion="1.5"),
        _match(dispersion="2.5"),
    ),
    Protection("objective.exactMatch.dispersion", _match(**_LEARNING), _match(dispersion="9"), _match()),
    Protection(
        "objective.exactMatch.longestSessionSeconds",
        _match(**_LEARNING, longestSessionSeconds=120),
        _match(longestSessionSeconds=60),
        _match(longestSessionSeconds=200),
    ),
    Protection(
        "objective.guardrails",
        _objective(guardrails=_guardrail("1.5")),
        _objective(guardrails=_guardrail("1.6")),
        _objective(guardrails=_guardrail("1.4")),
    ),
    Protection(
        "objective.guardrails",
        _objective(guardrails=_guardrail("1.5")),
        _objective(guardrails=None),
        _objective(guardrails=[*_guardrail("1.5"), {"name": "more", "kind": "EmptyRate", "maximumRatio": "2"}]),
    ),
    Protection(
        "objective.guardrails",
        _objective(guardrails=_guardrail("1.5")),
        _objective(guardrails=_guardrail("1.5", "EmptyRate")),
        _objective(guardrails=_guardrail("1.50")),
    ),
    Protection(
        "objective.queryClasses",
        _objective(queryClasses=_classes("0.03")),
        _objective(queryClasses=_classes("0.04")),
        _objective(queryClasses=_classes("0.02")),
    ),
    Protection(
        "objective.requireEach",
        _objective(queryClasses=_classes("0.03"), requireEach=True),
        _objective(requireEach=None),
        _objective(requireEach=True),
    ),
    Protection(
        "objective.perClass",
        {**_BY_CLASS, "objective": {"queryClasses": _classes("0.03")}},
        _objective(perClass=True, queryClasses=_classes("0.03", match={"header": "x-class", "value": "hops"})),
        _objective(perClass=False),
    ),
    Protection(
        "objective.queryClasses",
        {
            **_BY_CLASS,
            "objective": {
                "perClass": True,
                "queryClasses": _classes("0.03", match={"header": "x-class", "value": "hops"}),
            },
        },
        _objective(queryClasses=_classes("0.03", match={"header": "x-class", "value": "all"})),
        _objective(queryClasses=_classes("0.02", match={"header": "x-class", "value": "hops"})),
    ),
    Protection(
        "objective.risk.promote",
        {},
        _objective(risk={"promote": "0.06"}),
        _objective(risk={"promote": "0.01"}),
    ),
    Protection("objective.risk.harm", {}, _objective(risk={"harm": "0.01"}), _objective(risk={"harm": "0.1"})),
    Protection(
        "objective.risk.campaigns",
        _objective(risk={"campaigns": 5}),
        _objective(risk={"campaigns": 4}),
        _objective(risk={"campaigns": 6}),
    ),
    Protection(
        "rollout.gates", _rollout(gates=[_gate()]), _rollout(gates=None), _rollout(gates=[_gate(name="x"), _gate()])
    ),
    Protection(
        "rollout.gates", _rollout(gates=[_gate()]), _rollout(gates=[_gate(seconds=1)]), _rollout(gates=[_gate()])
    ),
    Protection(
        "rollout.steps",
        _rollout(steps=_STEPS),
        _rollout(steps=_STEPS[1:]),
        _rollout(steps=[{"weight": 1}, *_STEPS]),
    ),
    Protection(
        "rollout.steps",
        _rollout(steps=_STEPS),
        _rollout(steps=[{"weight": 5}, {"weight": 50}]),
        _rollout(steps=[{"weight": 5, "minimumSeconds": 90}, {"weight": 50}]),
    ),
    Protection(
        "rollout.steps",
        _rollout(steps=_STEPS),
        _rollout(steps=[*_STEPS, {"weight": 90}]),
        _rollout(steps=[_STEPS[0], {"weight": 20}, _STEPS[1]]),
    ),
    Protection(
        "rollout.advance", _rollout(advance="WhenSafe"), _rollout(advance="ByTime"), _rollout(advance="WhenSafe")
    ),
    *(
        Protection(
            f"rollout.{name}",
            _rollout(deadlineSeconds=86_400, **{name: 5}),
            _rollout(**{name: 4}),
            _rollout(**{name: 6}),
        )
        for name in ("minimumHours", "shadowSeconds", "learnSeconds")
    ),
    Protection("rollout.minimumSeconds", _COHORTS, _rollout(minimumSeconds=59), _rollout(minimumSeconds=61)),
    Protection("rollout.aaSeconds", _COHORTS, _rollout(aaSeconds=0), _rollout(aaSeconds=900)),
    Protection("rollout.onInconclusive", {}, _rollout(onInconclusive="Hold"), _rollout(onInconclusive="RollBack")),
    Protection(
        "rollout.onNoMetrics.then",
        {},
        _rollout(onNoMetrics={"then": "Hold"}),
        _rollout(onNoMetrics={"then": "RollBack"}),
    ),
    Protection(
        "rollout.onNoMetrics.holdSeconds",
        {},
        _rollout(onNoMetrics={"holdSeconds": 301}),
        _rollout(onNoMetrics={"holdSeconds": 60}),
    ),
    Protection("guard", {"guard": {"holdbackWeight": 5}}, {"guard": None}, {"guard": {"windowSeconds": 600}}),
    Protection(
        "guard.holdbackWeight",
        {"guard": {}},
        {"guard": {"holdbackWeight": 4}},
        {"guard": {"holdbackWeight": 6}},
    ),
    Protection(
        "guard.falseRevertSeconds",
        {"guard": {}},
        {"guard": {"falseRevertSeconds": 2_592_001}},
        {"guard": {"falseRevertSeconds": 86_400}},
    ),
    Protection("guard.evidence", {"guard": {}}, {"guard": {"evidence": "Pairs"}}, {"guard": {"evidence": "Answers"}}),
    Protection(
        "certificate.onChange",
        {"certificate": {"onChange": "RollBack"}},
        {"certificate": {"onChange": "Keep"}},
        {"certificate": {"onChange": "RollBack"}},
    ),
    Protection(
        "certificate.onChange",
        {"certificate": {"onChange": "Revalidate"}},
        {"certificate": None},
        {"certificate": {"onChange": "RollBack"}},
    ),
)
