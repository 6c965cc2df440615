"""What must hold of every rollout, checked against the cluster, Prometheus and the clients themselves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from earlystop.api.counts import TALLY_FIELDS, Look, Tally, Variant
from earlystop.api.verdict import VerdictSpec
from earlystop.controller.cluster import ROUTES, SERVICES
from earlystop.delivery.golden_rules import rules_in_force
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.demo.load import LoadPlan, LoadSummary, run_load
from earlystop.demo.recordings import load_recordings
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.stored.packing import unpack_looks
from earlystop.rollout.verify.verdict import differences
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus
from tests.e2e.stage import Stage

Manifest = dict[str, Any]

SERIES = {
    "started": "earlystop_requests_started_total{%s}",
    "completed": 'earlystop_requests_total{outcome="completed",%s}',
    "failed": 'earlystop_requests_total{outcome="failed",%s}',
    "match": 'earlystop_answers_total{result="match",%s}',
    "mismatch": 'earlystop_answers_total{result="mismatch",%s}',
    "unscored": 'earlystop_answers_total{result="unscored",%s}',
    "tokens": "earlystop_output_tokens_total{%s}",
    "tokens_squared": "earlystop_output_tokens_squared_total{%s}",
    "empty": "earlystop_empty_answers_total{%s}",
    "cut": "earlystop_cut_answers_total{%s}",
}


def weights(overlay: Manifest) -> set[tuple[int, ...]]:
    """The weights of each rule."""
    return {tuple(backend["weight"] for backend in rule["backendRefs"]) for rule in rules_in_force(overlay)}


def assert_weights_were_always_valid(overlays: Sequence[Manifest], variants: int = 2) -> None:
    """At every revision all rules agree, and weights are a number from 0 to 100 for each variant, with the sum 100."""
    assert overlays, "no revision of the overlay was seen"
    for overlay in overlays:
        (shares,) = weights(overlay)
        assert len(shares) == variants and all(0 <= weight <= 100 for weight in shares) and sum(shares) == 100, shares
    promoted = {str(overlay["spec"]["rules"]) for overlay in overlays if weights(overlay) == {(0, 100)}}
    assert len(promoted) <= 1


def counted(prometheus: Prometheus, policy: str, revision: str, step: int, at: int) -> dict[Variant, Tally]:
    """The cumulative counts at Unix second `at`, by one plain query a series, summed over processes."""
    chosen = f'policy="{policy}",revision="{revision}",step="{step}"'
    found: dict[Variant, dict[str, int]] = {variant: {} for variant in Variant}
    for field, selector in SERIES.items():
        query = f"sum by (variant) (last_over_time({selector % chosen}[1h]))"
        for row in prometheus.query(query, at=float(at)):
            value = float(row["value"][1])
            assert value == int(value)
            found[Variant(row["metric"]["variant"])][field] = int(value)
    return {variant: Tally(*(tally.get(field, 0) for field in TALLY_FIELDS)) for variant, tally in found.items()}


def assert_looks_are_what_prometheus_says(stage: Stage, looks: Sequence[Look], revisions: Sequence[Manifest]) -> None:
    """Each look holds the increments between its moment and the one before, to the last integer; none is doubled.

    revisions: all revisions of the policy; their status says at which moment each step's evidence began.
    """
    assert looks, "no look was taken"
    moments = [look.at for look in looks]
    assert moments == sorted(set(moments)), "a moment was looked at twice"
    status = revisions[-1]["status"]
    label = f"{stage.namespace}/{revisions[-1]['metadata']['name']}"
    snapshots = {
        (each["status"]["step"], from_rfc3339(each["status"]["evidenceFrom"]))
        for each in revisions
        if each.get("status", {}).get("revision") == status["revision"] and each["status"].get("evidenceFrom")
    }
    known: dict[tuple[int, int], dict[Variant, Tally]] = {}

    def cumulative(step: int, at: int) -> dict[Variant, Tally]:
        if (step, at) not in known:
            known[step, at] = counted(stage.prometheus, label, status["revision"], step, at)
        return known[step, at]

    for number, look in enumerate(looks):
        since = max(at for step, at in snapshots if step == look.step and at < look.at)
        if number and looks[number - 1].step == look.step:
            since = max(since, looks[number - 1].at)
        before, after = cumulative(look.step, since), cumulative(look.step, look.at)
        told = {Variant.BASELINE: look.baseline, Variant.CANDIDATE: look.candidate}
        expected = {variant: after[variant] - before[variant] for variant in Variant}
        assert told == expected, f"the look at {look.at} of step {look.step}, since {since}: {told}, not {expected}"


def looks_of(status: Manifest) -> tuple[Look, ...]:
    """The looks that a status holds."""
    return unpack_looks(status.get("internal", {}).get("looks") or "")


def assert_nothing_was_counted_anew(looks: Sequence[Look], revisions: Sequence[Manifest]) -> None:
    """Looks once stored stand in the record unchanged: each earlier status holds a beginning of the same list."""
    for revision in revisions:
        stored = looks_of(revision.get("status", {}))
        assert list(stored) == list(looks[: len(stored)])


def only_verdict(stage: Stage, policy: str) -> Manifest:
    """The one verdict of a policy; it can be recomputed from what it stores."""
    (verdict,) = [each for each in stage.verdicts() if each["spec"]["policy"] == policy]
    assert differences(verdict["spec"]) == []
    return verdict


def verdict_looks(verdict: Manifest) -> tuple[Look, ...]:
    """The looks that a verdict stores."""
    return tuple(Look.from_row(list(row)) for row in VerdictSpec.model_validate(verdict["spec"]).looks)


AT_ONCE = 2000.0
"""Requests a second, above what any load here sends: a gateway that deals its backends in turn, met by two clients at
one beat, gives one client whatever the other did not get."""


def ask(stage: Stage, requests: int = 200) -> LoadSummary:
    """Ask as a client of the gateway, as fast as it answers; the summary says which variant answered how often."""
    questions = [recording.question for recording in load_recordings(stage.data)]
    plan = LoadPlan(stage.gateway.url, rate=AT_ONCE, requests=requests, seed=7, headers={"Host": stage.host})
    return asyncio.run(run_load(plan, questions))


def share(stage: Stage, variant: str, requests: int = 200) -> float:
    """Share of a client's requests that this variant answers now; all of them are answered."""
    summary = ask(stage, requests)
    assert summary.failed == 0, summary.failures
    return summary.variants.get(variant, 0) / summary.ok


def share_alone(stage: Stage, variant: str, requests: int = 400) -> float:
    """The same with the stage's load paused: a gateway that deals its backends in turn gives a client whose requests
    come at one beat with another's whatever that one did not get."""
    with stage.load_paused():
        return share(stage, variant, requests)


def wait_share(stage: Stage, variant: str, wanted: float, requests: int = 50, deadline_seconds: float = 30.0) -> None:
    """Wait until a client gets this share of its answers from a variant, all or none of them: a gateway follows a
    change a moment after it is stored. Raises ClusterError at the deadline."""
    described = f"{wanted:.0%} of the requests to be answered by {variant}"
    wait_until(lambda: share(stage, variant, requests) == wanted, deadline_seconds, described)


def tolerance(share: float, requests: int = 400) -> float:
    """How far a measured share may be from this one if requests are dealt by lot: 6 standard deviations of a binomial,
    which a right share exceeds in 1 of 500 million measurements, and nearly never where they are dealt in turn."""
    return 6 * math.sqrt(share * (1 - share) / requests)


def has_overlay(stage: Stage, policy: str) -> bool:
    """Whether the policy's overlay exists."""
    return stage.access.find(ROUTES, stage.namespace, overlay_name(policy)) is not None


def has_alias(stage: Stage) -> bool:
    """Whether the candidate's Service exists. It outlives its policy for a while, without requests."""
    return stage.access.find(SERVICES, stage.namespace, alias_name("qa")) is not None


def users_objects(stage: Stage) -> dict[str, tuple[Manifest, int, Manifest]]:
    """Spec, generation (0 for kinds without) and annotations of the user's own route and Service."""
    found = {resource.plural: stage.access.read(resource, stage.namespace, "qa") for resource in (ROUTES, SERVICES)}
    return {
        name: (each["spec"], each["metadata"].get("generation", 0), each["metadata"].get("annotations", {}))
        for name, each in found.items()
    }
