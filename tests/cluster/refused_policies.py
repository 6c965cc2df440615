"""Mistakes in a policy, each with the words in which a real API server refuses it."""

from __future__ import annotations

from typing import Any

from tests.cluster.objects import REMOVED, policy
from tests.cluster.refusing import GRID, candidate

WINDOW = {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}


POLICIES: dict[str, tuple[str, Any, str]] = {
    "a field that does not exist": ("spec.rollout.stepz", [], 'unknown field "spec.rollout.stepz"'),
    "a field that is missing": ("spec.objective", REMOVED, "spec.objective: Required value"),
    "no candidates": ("spec.candidates", REMOVED, "candidates: write at least one setting to try"),
    "both candidates and search": ("spec.search", GRID, "search and candidates: write one of the two"),
    "a number where text belongs": (
        "spec.objective.exactMatch.margin",
        0.02,
        'spec.objective.exactMatch.margin in body must be of type string: "number"',
    ),
    "a margin of 0": (
        "spec.objective.exactMatch.margin",
        "0",
        'margin 0 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a margin of 1": (
        "spec.objective.exactMatch.margin",
        "1",
        'margin 1 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a dispersion below 1": (
        "spec.objective.exactMatch.dispersion",
        "0.5",
        "dispersion 0.5 must lie between 1 and 1000; 1 stands for independent answers",
    ),
    "a preset of an engine that counts no requests": (
        "spec.metrics.preset",
        "LlamaCpp",
        "there can be no preset LlamaCpp, since llama.cpp counts no requests",
    ),
    "a cross-check without an injector": (
        "spec.metrics.crossCheck",
        "VLLM",
        "metrics.crossCheck compares an engine with the injector before it, and delivery.mode GatewayHeader has none; "
        "remove it",
    ),
    "a dispersion of independent answers": (
        "spec.objective.exactMatch",
        {"margin": "0.02", "dispersion": "2.5", "assumeIndependent": True},
        "exactMatch.dispersion 2.5 says how much answers scatter, and assumeIndependent: true that they are "
        "independent; remove one of the two",
    ),
    "two values of the baseline for one parameter": (
        "spec.baseline.values",
        [{"name": "window", "value": "40"}, {"name": "window", "value": "30"}],
        "baseline.values: write each parameter once",
    ),
    "two values of the pinned baseline for one parameter": (
        "spec.baseline.pinned",
        {"values": [{"name": "window", "value": "40"}, {"name": "window", "value": "40"}]},
        "baseline.pinned.values: write each parameter once",
    ),
    "a proof of each class without classes": (
        "spec.objective.requireEach",
        True,
        "requireEach asks for a proof of each query class; write queryClasses",
    ),
    "query classes on pairs": (
        "spec.objective",
        {
            "exactMatch": {"margin": "0.02", "evidence": "Pairs"},
            "queryClasses": [{"name": "multi-hop", "margin": "0.03"}],
        },
        "queryClasses are compared on answers; remove them or, where your server scores its live answers, "
        "write exactMatch.evidence: Answers",
    ),
    "a path that no gateway matches on": (
        "spec.delivery.paths",
        ["/v1/chat/../completions"],
        "delivery.paths: no request's path has a segment . or .., or %2F, when a gateway matches on it",
    ),
    "a path with a slash that is none": (
        "spec.delivery.paths",
        ["/v1%2fcompletions"],
        "delivery.paths: no request's path has a segment . or .., or %2F, when a gateway matches on it",
    ),
    "a margin below 0": (
        "spec.objective.exactMatch.margin",
        "-0.02",
        'margin -0.02 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a floor of 1": (
        "spec.objective.exactMatch.floor",
        "1",
        'floor 1 must lie between 0.0 and 1.0, for example "0.80"',
    ),
    "a saving of all tokens": (
        "spec.objective.tokens",
        {"minimumSaving": "1"},
        'minimumSaving 1 must lie between 0.0 and 1.0, for example "0.10"',
    ),
    "a risk of 0": (
        "spec.objective.risk",
        {"promote": "0"},
        'risk.promote 0 must lie between 0.000001 and 0.5, for example "0.05"',
    ),
    "a guardrail that allows no rise": (
        "spec.objective.guardrails",
        [{"name": "failures", "kind": "FailureRate", "maximumRatio": "1"}],
        'guardrail failures: write a maximumRatio above 1, for example "1.5"',
    ),
    "falling weights": (
        "spec.rollout.steps",
        [{"weight": 25}, {"weight": 5}],
        "weights must rise from step to step, for example 5, 25, 50",
    ),
    "equal weights": (
        "spec.rollout.steps",
        [{"weight": 5}, {"weight": 5}],
        "weights must rise from step to step, for example 5, 25, 50",
    ),
    "a weight of 0": ("spec.rollout.steps.0.weight", 0, "should be greater than or equal to 1"),
    "a weight of 100": ("spec.rollout.steps.2.weight", 100, "should be less than or equal to 99"),
    "a look every 0 s": ("spec.rollout.lookSeconds", 0, "should be greater than or equal to 1"),
    "a workload that has no Pods of its own": (
        "spec.targetRef.kind",
        "Service",
        'Unsupported value: "Service": supported values: "Deployment"',
    ),
    "a baseline above the maximum": (
        "spec.baseline.values.0.value",
        "41",
        "baseline.values: window 41 is no number from 1 to 40; write one that is",
    ),
    "a baseline with a fraction of an Integer": (
        "spec.baseline.values.0.value",
        "39.5",
        "baseline.values: window 39.5 is no whole number",
    ),
    "a baseline without one of the parameters": (
        "spec.parameters",
        [WINDOW, {**WINDOW, "name": "patience"}],
        "baseline.values: write a value for every parameter; there is none for patience",
    ),
    "a candidate below the minimum": (
        "spec.candidates.0.values.0.value",
        "0",
        "candidates: w10: window 0 is no number from 1 to 40",
    ),
    "a candidate's value for a parameter that is not there": (
        "spec.candidates.0.values.0.name",
        "patience",
        "candidates: w10: there is no parameter patience; write the name of one, such as window",
    ),
    "a candidate with a fraction of an Integer": (
        "spec.candidates.0.values.0.value",
        "10.5",
        "candidates: w10: window 10.5 is no whole number",
    ),
    "a pinned baseline above the maximum": (
        "spec.baseline.pinned",
        {"values": [{"name": "window", "value": "41"}]},
        "baseline.pinned: window 41 is no number from 1 to 40",
    ),
    "a pinned baseline with a fraction of an Integer": (
        "spec.baseline.pinned",
        {"values": [{"name": "window", "value": "9.5"}]},
        "baseline.pinned: window 9.5 is no whole number",
    ),
    "a pinned baseline of another parameter": (
        "spec.baseline.pinned",
        {"values": [{"name": "width", "value": "9"}]},
        "baseline.pinned: write a value for every parameter",
    ),
    "a pinned baseline and a proof of each class": (
        "spec",
        {
            **policy()["spec"],
            "baseline": {**policy()["spec"]["baseline"], "pinned": policy()["spec"]["baseline"]},
            "objective": {
                "exactMatch": {"margin": "0.02"},
                "queryClasses": [{"name": "multi-hop", "margin": "0.03"}],
                "requireEach": True,
            },
        },
        "baseline.pinned counts the loss of all requests together",
    ),
    "golden questions about a population of unknown size": (
        "spec.objective.exactMatch",
        {"margin": "0.02", "evidence": "Pairs", "questions": {"about": "Population"}},
        "questions.about Population: write questions.number, how many different questions there are",
    ),
    "golden questions where answers are compared": (
        "spec.objective.exactMatch",
        {"margin": "0.02", "questions": {"about": "File"}},
        "exactMatch.questions says what golden questions are; write exactMatch.evidence: Pairs",
    ),
    "a candidate that is the baseline": (
        "spec.candidates.0.values.0.value",
        "40",
        "a candidate equals the baseline; write at least one value that differs",
    ),
    "a candidate that is the baseline spelled otherwise": (
        "spec.candidates.0.values.0.value",
        "40.0",
        'a candidate equals the baseline; write at least one value that differs ("40.0" is "40")',
    ),
    "two candidates of the same values": (
        "spec.candidates",
        [candidate("one", "10"), candidate("two", "10")],
        "two candidates have the same values; remove one",
    ),
    "two candidates of the same name": (
        "spec.candidates",
        [candidate("one", "10"), candidate("one", "20")],
        'Duplicate value: {"name":"one"}',
    ),
    "a gate before a step that there is not": (
        "spec.rollout.gates",
        [{"name": "ci", "before": "Step", "weights": [7], "targetRef": {"name": "ci"}}],
        "rollout.gates: write in weights only weights of rollout.steps, or the gate would hold nothing",
    ),
    "a gate that names steps and holds a promotion": (
        "spec.rollout.gates",
        [{"name": "ci", "weights": [50], "targetRef": {"name": "ci"}}],
        "gates.weights names steps; write before: Step beside it, or remove it",
    ),
    "a load that would be high and low at once": (
        "spec.guard",
        {"whenBusy": {"load": "queue", "above": "10", "below": "10"}},
        "whenBusy: below 10 must be less than above 10; what lies between changes nothing",
    ),
    "a value in exponent notation": (
        "spec.candidates.0.values.0.value",
        "1e1",
        "spec.candidates[0].values[0].value in body should match",
    ),
    "a parameter whose bounds are crossed": (
        "spec.parameters.0.minimum",
        "40",
        "parameter window: write a minimum below the maximum; 40 is not below 40",
    ),
    "a number without bounds": (
        "spec.parameters.0.maximum",
        REMOVED,
        "parameter window: type Integer needs minimum, maximum and stopsSooner",
    ),
    "a choice without choices": (
        "spec.parameters.0",
        {"name": "window", "type": "Choice"},
        "parameter window: choices belong to type Choice, which needs them",
    ),
    "a number where a choice belongs": (
        "spec.parameters.0",
        {"name": "window", "type": "Choice", "choices": ["small", "large"]},
        "candidates: w10: window 10 is none of its choices; write one of small, large",
    ),
    "a word where a number belongs": (
        "spec.candidates.0.values.0.value",
        "small",
        "candidates: w10: window small is no number from 1 to 40",
    ),
    "a body in a mode that writes none": (
        "spec.parameters.0.body",
        {"knob": "AnswerCap"},
        "parameters: delivery.mode GatewayHeader writes nothing into bodies; remove body",
    ),
    "a knob of another type": (
        "spec.parameters.0.body",
        {"knob": "Thinking"},
        "parameter window: knob Thinking is of type Boolean",
    ),
    "a knob below what engines take": (
        "spec.parameters.0",
        {**WINDOW, "minimum": "0", "body": {"knob": "Samples"}},
        "parameter window: engines take no Samples below 1; write that minimum or a larger one",
    ),
    "values without an order that are to be compared": (
        "spec.parameters.0",
        {
            "name": "window",
            "type": "Boolean",
            "body": {"paths": [{"api": "Completions", "path": "x"}], "apply": "IfLarger"},
        },
        "parameter window: apply IfLarger compares values, and these have no order",
    ),
    "a parameter whose header is the operator's own": (
        "spec.parameters.0.name",
        "revision",
        "the name revision is reserved for a header of the operator; write another name, for example revision-limit",
    ),
    "a parameter whose header names the shadows": (
        "spec.parameters.0.name",
        "shadow",
        "the name shadow is reserved for a header of the operator; write another name, for example shadow-limit",
    ),
    "a delivery mode without its settings": (
        "spec.delivery.gatewayHeader",
        REMOVED,
        "delivery.mode GatewayHeader needs delivery.gatewayHeader with a routeRef",
    ),
    "settings of another delivery mode": (
        "spec.delivery.mode",
        "Shadow",
        "delivery.gatewayHeader belongs to delivery.mode GatewayHeader; remove it or change the mode",
    ),
    "a header prefix without its hyphen": (
        "spec.delivery.gatewayHeader.headerPrefix",
        "xearlystop",
        "spec.delivery.gatewayHeader.headerPrefix in body should match",
    ),
    "a holdback of all traffic": ("spec.guard", {"holdbackWeight": 100}, "should be less than or equal to 50"),
    "a guard without holdback and without pairs": (
        "spec.guard",
        {"holdbackWeight": 0},
        "guard.holdbackWeight: 0 leaves the guard nothing to compare with; write a percent from 1 to 50",
    ),
}
"""By what is wrong: the path that is changed in a right policy, its value, and words of the refusal."""
