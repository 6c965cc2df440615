"""No request is led to a candidate's Pods before all of them are new and ready, and none where nobody answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.delivery.decide import decide
from earlystop.delivery.decisions import Detach, Probe, SplitStatus, TrafficDecision, Wait, Write
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import TrafficView
from tests.unit.delivery.candidate_pods.corpus import CASES, deployment_of, inputs_of, split
from tests.unit.delivery.cluster import running

PLAIN = CASES["a variable"]
NOW = 1_000_000.0
SAID = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for.")
NAME = "qa-server-es-candidate"


def asked(here: ClusterInputs, wanted: TrafficSplit | None = None) -> TrafficDecision:
    return decide(here, desired_traffic(here, wanted or split(), False), TrafficView(condition=SAID), NOW)


def stored(here: ClusterInputs, objects: Any) -> ClusterInputs:
    old = "1970-01-02T00:00:00Z"
    return here.with_objects([{**each, "metadata": {**each["metadata"], "creationTimestamp": old}} for each in objects])


def led(here: ClusterInputs) -> ClusterInputs:
    """Users are led to Pods that are ready."""
    made = desired_traffic(here, split(), False).rendered.objects
    return stored(here, map(running, made))


def with_status(here: ClusterInputs, **status: Any) -> ClusterInputs:
    """The candidate's Deployment with another status."""
    found = here.own("Deployment", NAME)
    assert found is not None
    return here.with_objects([{**found, "status": {**found.get("status", {}), **status}}])


def pod(**status: Any) -> Manifest:
    return {"metadata": {"name": "p", "labels": {"earlystop.dev/workload": NAME}}, "status": status}


def waits(reason: str) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason}}}


def test_pods_come_first_then_they_are_waited_for_and_only_then_does_a_gateway_hear_of_them() -> None:
    here = inputs_of(PLAIN)
    first = asked(here)
    assert isinstance(first, Write) and [each["kind"] for each in first.objects] == ["Deployment", "Service"]
    assert first.then is not None and first.then.status is SplitStatus.NOT_WRITTEN
    here = stored(here, first.objects)
    for status in (
        {},
        {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1},
        {"observedGeneration": 0, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
        {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3},
    ):
        waiting = asked(with_status(here, **status))
        assert isinstance(waiting, Wait) and waiting.status is SplitStatus.NOT_WRITTEN, status
        assert waiting.condition.status is ConditionStatus.UNKNOWN
    ready = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    shown = asked(with_status(here, **ready))
    assert isinstance(shown, Write) and [each["kind"] for each in shown.objects] == ["HTTPRoute"]
    assert shown.then is None
    led_to = asked(stored(with_status(here, **ready), shown.objects))
    assert isinstance(led_to, Probe) and not led_to.users_led


def test_pods_of_which_none_is_ready_any_more_lose_their_requests_at_once() -> None:
    here = with_status(led(inputs_of(PLAIN)), availableReplicas=0)
    off = asked(here)
    assert isinstance(off, Detach) and off.status is SplitStatus.NOT_WRITTEN
    (route,) = off.objects
    assert route["kind"] == "HTTPRoute" and "parentRefs" not in route["spec"]
    after = asked(here.with_objects(off.objects))
    assert isinstance(after, Wait) and after.status is SplitStatus.NOT_WRITTEN


def test_while_pods_are_replaced_users_stay_and_nothing_is_proven() -> None:
    here = with_status(led(inputs_of(PLAIN)), updatedReplicas=1)
    waiting = asked(here)
    assert isinstance(waiting, Wait) and (waiting.status, waiting.condition.reason) == (
        SplitStatus.WRITTEN,
        "CandidateRolling",
    )


def test_an_edit_of_the_targets_template_is_followed_and_waited_for() -> None:
    here = led(inputs_of(PLAIN))
    edited = deployment_of(PLAIN)
    edited["spec"]["template"]["spec"]["containers"][0]["image"] = "qa:2"
    here = here.with_objects([edited])
    followed = asked(here)
    assert isinstance(followed, Write) and [each["kind"] for each in followed.objects] == ["Deployment"]
    assert followed.objects[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "qa:2"
    lost = deployment_of(PLAIN)
    lost["spec"]["template"]["spec"]["tolerations"] = [{"key": "gpu"}]
    shortened = led(inputs_of(PLAIN, lost)).with_objects([deployment_of(PLAIN)])
    assert isinstance(asked(shortened), Write), "a field that is gone is noticed, too"


def test_a_target_whose_pods_are_being_replaced_is_waited_for() -> None:
    target = deployment_of(PLAIN)
    target["status"] = {"observedGeneration": 1, "replicas": 4, "updatedReplicas": 1}
    waiting = asked(led(inputs_of(PLAIN)).with_objects([target]))
    assert isinstance(waiting, Wait) and waiting.condition.reason == "CandidateRolling"


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient gpu."}
QUOTA = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: team\x1b[31m"}
LIMITS = {
    "type": "ReplicaFailure",
    "status": "True",
    "message": 'pods "a" is forbidden: minimum cpu usage per Pod is 4',
}
HINDRANCES: dict[str, tuple[list[Manifest], list[dict[str, str]], str, str]] = {
    "no node": ([pod(conditions=[UNSCHEDULED])], [], "CandidateUnschedulable", "Insufficient gpu"),
    "a quota": ([], [QUOTA], "CandidateUnschedulable", "exceeded quota"),
    "a quota's way out": ([], [QUOTA], "CandidateUnschedulable", "Raise the quota, or write fewer replicas."),
    "limits": ([], [LIMITS], "CandidateUnschedulable", "minimum cpu usage per Pod is 4"),
    "limits' way out": ([], [LIMITS], "CandidateUnschedulable", "Change what refuses it, as a LimitRange"),
    "no image": ([pod(containerStatuses=[waits("ImagePullBackOff")])], [], "CandidateNotReady", "ImagePullBackOff"),
    "starting": ([pod(containerStatuses=[waits("ContainerCreating")])], [], "CandidateStarting", "0 of 2"),
    "another's": ([{**pod(conditions=[UNSCHEDULED]), "metadata": {}}], [], "CandidateStarting", "0 of 2"),
}


@pytest.mark.parametrize(("pods", "conditions", "reason", "words"), HINDRANCES.values(), ids=HINDRANCES)
def test_what_keeps_pods_from_serving_is_told_and_at_the_deadline_the_step_is_given_up(
    pods: list[Manifest], conditions: list[dict[str, str]], reason: str, words: str
) -> None:
    here = replace(inputs_of(PLAIN), pods=tuple(pods))
    made = desired_traffic(here, split(), False).rendered.objects[:-1]
    here = with_status(stored(here, made), observedGeneration=1, replicas=2, updatedReplicas=2, conditions=conditions)
    waiting = asked(here)
    assert isinstance(waiting, Wait) and (waiting.status, waiting.condition.reason) == (SplitStatus.NOT_WRITTEN, reason)
    assert words in waiting.condition.message and waiting.condition.message.isprintable()
    told = ConditionStatus.UNKNOWN if reason == "CandidateStarting" else ConditionStatus.FALSE
    assert waiting.condition.status is told
    exceeded = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    overdue = asked(with_status(here, conditions=[*conditions, exceeded]))
    assert isinstance(overdue, Wait) and overdue.status is SplitStatus.OVERDUE
    assert overdue.condition.status is ConditionStatus.FALSE


def test_once_the_target_has_what_was_promoted_users_go_by_their_own_route_and_pods_end() -> None:
    here = led(inputs_of(PLAIN))
    promoted = split(promoted="candidate")
    assert not isinstance(asked(here, promoted), Detach), "the candidate keeps its share until then"
    target = deployment_of(PLAIN)
    target["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "10"
    rolling = {**target, "status": {"replicas": 4, "updatedReplicas": 1}}
    assert not isinstance(asked(here.with_objects([rolling]), promoted), Detach)
    here = here.with_objects([target])
    off = asked(here, promoted)
    assert isinstance(off, Detach) and (off.status, off.condition.reason) == (SplitStatus.PROVEN, "PromotedInTarget")
    over = asked(here.with_objects(off.objects), promoted)
    assert isinstance(over, Wait) and over.status is SplitStatus.PROVEN
    (idle,) = desired_traffic(here, promoted, False).rendered.idle
    assert (idle["metadata"]["name"], idle["spec"]["replicas"]) == (NAME, 0)


def test_a_candidate_without_a_share_keeps_its_pods_until_they_are_drained() -> None:
    here = led(inputs_of(PLAIN))
    rendered = desired_traffic(here, split(0), True).rendered
    assert [each["kind"] for each in rendered.objects] == ["Service", "HTTPRoute"]
    (idle,) = rendered.idle
    assert idle["spec"]["replicas"] == 0 and rendered.idle_seconds == 60


def test_pods_of_a_candidate_that_the_policy_no_longer_names_end_too_and_no_others() -> None:
    here = led(inputs_of(PLAIN))
    mine = here.own("Deployment", NAME)
    assert mine is not None
    before = {**mine, "metadata": {**mine["metadata"], "name": "qa-server-es-w5"}}
    anothers = {**mine, "metadata": {**mine["metadata"], "name": "other", "ownerReferences": []}}
    here = here.with_objects([before, anothers])
    idle = desired_traffic(here, split(), False).rendered.idle
    assert [(each["kind"], each["metadata"]["name"], each["spec"]["replicas"]) for each in idle] == [
        ("Deployment", "qa-server-es-w5", 0)
    ]
