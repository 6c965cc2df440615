"""What may happen to a policy in service: one function each, drawn by chance."""

from __future__ import annotations

import copy
from collections.abc import Callable

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, PROPOSALS, ROUTES, ClusterError
from earlystop.controller.hooks.run_job import JOBS
from earlystop.delivery.names import overlay_name
from earlystop.rollout.formatting import rfc3339
from tests.simulations.service_life import Life

ABORT, PROMOTE, RETRY = (f"earlystop.dev/{name}" for name in ("abort", "promote", "retry"))


def _ask(life: Life, verb: str, value: str) -> None:
    who = life.random.choice(("alice", "bob"))
    life.annotate({verb: value, f"{verb}-by": f"{who} for {value}"})


def drift(life: Life) -> None:
    """Questions get harder or easier, for both variants alike."""
    life.service.level = min(0.95, max(0.6, life.service.level + life.random.choice((-0.05, -0.02, 0.02, 0.05))))


def harm(life: Life) -> None:
    """A setting gets worse, slightly or much."""
    life.service.losses[life.random.choice(("20", "10", "5"))] = life.random.choice((0.08, 0.2, 0.5))


def fail_requests(life: Life) -> None:
    """A setting's requests fail."""
    life.service.failing[life.random.choice(("10", "5"))] = life.random.choice((0.3, 1.0))


def repair(life: Life) -> None:
    """All is as it was."""
    life.service.losses.clear()
    life.service.failing.clear()
    life.service.class_losses.clear()
    life.service.disliked.clear()


def repair_and_retry(life: Life) -> None:
    """All is as it was, and somebody asks for another campaign."""
    repair(life)
    retry(life)


def busy(life: Life) -> None:
    """Queues are long."""
    life.served.load = 90.0


def quiet(life: Life) -> None:
    """Queues are short."""
    life.served.load = 2.0


def night(life: Life) -> None:
    """Hardly anybody asks anything."""
    life.service.rate = 0.5


def day(life: Life) -> None:
    """As many requests as usual."""
    life.service.rate = 40.0


def silence(life: Life) -> None:
    """Nobody asks anything."""
    life.service.rate = 0.0


def replace_servers(life: Life) -> None:
    """Servers are replaced by new ones, whose counters begin at 0."""
    life.serve()
    life.service.process += 1


def other_model(life: Life) -> None:
    """The target says another model."""
    target = copy.deepcopy(life.api.at(DEPLOYMENTS, "llm", "qa-server"))
    target["spec"]["template"]["metadata"]["labels"][MODEL_LABEL] = life.random.choice(("llama-3", "llama-4"))
    life.api.put(DEPLOYMENTS, target)
    life.tracked.acceptance.require_check()
    replace_servers(life)


def outage(life: Life) -> None:
    """Prometheus does not answer."""
    life.fail()


def outage_over(life: Life) -> None:
    """Prometheus answers again."""
    life.recover()


def restart(life: Life) -> None:
    """The operator begins anew."""
    life.restart()


def die(life: Life) -> None:
    """The operator dies at one of its next writes."""
    life.dying.kill_at = life.dying.writes + life.random.randrange(6)
    life.dying.before = life.random.random() < 0.5


def fail_api(life: Life) -> None:
    """Some of the next writes fail."""
    for method in life.random.choices(("PUT", "POST", "APPLY"), k=3):
        life.api.fail(method, ClusterError(500, "down"))


def suspend(life: Life) -> None:
    """Somebody suspends the policy."""
    life.change(suspend=True)


def resume(life: Life) -> None:
    """Somebody lets it go on."""
    life.change(suspend=None)


def abort(life: Life) -> None:
    """Somebody takes off what serves."""
    _ask(life, ABORT, str(life.status.get("revision", "none")))


def promote(life: Life) -> None:
    """Somebody promotes what is not proven."""
    _ask(life, PROMOTE, str(life.status.get("revision", "none")))


def retry(life: Life) -> None:
    """Somebody asks for another campaign."""
    _ask(life, RETRY, f"again-{life.now:.0f}")


def edit_guard(life: Life) -> None:
    """Somebody changes the promise of the guard, or what it holds back."""
    guard = dict(life.policy["spec"].get("guard") or {})
    guard["holdbackWeight"] = life.random.choice((5, 10, 30))
    guard["falseRevertSeconds"] = life.random.choice((86_400, 2_592_000))
    life.change(guard=guard)


def edit_margin(life: Life) -> None:
    """Somebody changes what is to be proven: another campaign begins."""
    objective = copy.deepcopy(life.policy["spec"]["objective"])
    objective["exactMatch"]["margin"] = life.random.choice(("0.05", "0.06", "0.08"))
    life.change(objective=objective)


def err(life: Life) -> None:
    """Somebody writes what cannot be carried out, as a Service that is not there."""
    life.change(targetRef={"kind": "Deployment", "name": "no-such-server"})


def put_right(life: Life) -> None:
    """It is put right."""
    life.change(targetRef={"kind": "Deployment", "name": "qa-server"})


def lead_by_hand(life: Life) -> None:
    """Somebody gives all requests to the last variant of the overlay by hand."""
    overlay = copy.deepcopy(life.overlay)
    if overlay is None or len(overlay["spec"]["rules"][-1]["backendRefs"]) < 2:
        return
    life.serve()
    refs = overlay["spec"]["rules"][-1]["backendRefs"]
    for each in refs:
        each["weight"] = 100 if each is refs[-1] else 0
    life.api.put(ROUTES, overlay)
    life.tracked.traffic.require_recheck()


def delete_overlay(life: Life) -> None:
    """Somebody deletes the overlay."""
    life.serve()
    life.api.objects.pop(ROUTES.path("llm", overlay_name("qa")), None)
    life.tracked.traffic.require_recheck()


def answer(life: Life) -> None:
    """Somebody answers what waits for people."""
    if life.status.get("awaiting"):
        said = life.random.choice(("Approve", "Approve", "Reject"))
        life.answer(said, by=f"user-{life.now:.0f}")


def dislike(life: Life) -> None:
    """Users vote against what a setting answers."""
    life.service.disliked[life.random.choice(("10", "5"))] = life.random.choice((0.15, 0.4))


def harm_class(life: Life) -> None:
    """A setting gets worse for one class of questions alone."""
    of = life.random.choice(("10", "5")), life.random.choice(tuple(life.service.classes))
    life.service.class_losses[of] = life.random.choice((0.2, 0.5))


def label_late(life: Life) -> None:
    """Labels and votes take longer than before, or less long, for all variants alike."""
    life.serve()
    life.service.label_seconds = life.random.choice((0.0, 120.0, 1800.0))


def receiver_fails(life: Life) -> None:
    """The receiver of webhooks answers 500."""
    if life.outside is not None:
        life.outside.is_up = False


def receiver_answers(life: Life) -> None:
    """It answers again."""
    if life.outside is not None:
        life.outside.is_up = True


def gate_says(life: Life) -> None:
    """Whoever decides on gates says something, or nothing yet."""
    if life.outside is not None:
        life.outside.gate = life.random.choice(("Open", "Open", "Closed", ""))


def gate_opens(life: Life) -> None:
    """Whoever decides on gates agrees."""
    if life.outside is not None:
        life.outside.gate, life.outside.jobs_fail = "Open", False


def jobs_fail(life: Life) -> None:
    """Jobs fail from now on."""
    if life.outside is not None:
        life.outside.jobs_fail = True


def delete_job(life: Life) -> None:
    """Somebody deletes a Job."""
    jobs = [path for path in life.api.objects if path.startswith(JOBS.path("llm"))]
    if jobs:
        life.api.objects.pop(life.random.choice(jobs))


def propose(life: Life) -> None:
    """Somebody proposes a setting, which may have been tried, or be none of the search."""
    values = [{"name": "window", "value": life.random.choice(("20", "10", "5", "7"))}]
    who = life.random.choice(("ana", "ben"))
    created = rfc3339(int(life.now))
    metadata = {"name": f"{who}-{life.now:.0f}", "namespace": "llm", "creationTimestamp": created}
    spec = {"policyRef": {"name": "qa"}, "proposer": who, "values": values}
    life.proposals.shown(life.api.put(PROPOSALS, {"metadata": metadata, "spec": spec}))


Event = Callable[[Life], None]
PROPOSED: tuple[Event, ...] = (propose,) * 12
"""What happens besides where a search tries what others propose."""
OUTSIDE: tuple[Event, ...] = (
    *(receiver_answers, gate_opens, gate_opens, receiver_fails, gate_says, jobs_fail, delete_job),
    *(dislike, harm_class, label_late),
)
"""What may happen besides where others outside are told and asked, users vote, and labels come late."""
OFTEN: tuple[Event, ...] = (drift, busy, quiet, day, answer, repair_and_retry, outage_over, resume, put_right)
EVENTS: tuple[Event, ...] = (
    *OFTEN,
    *OFTEN,
    *(harm, fail_requests, repair, night, silence, replace_servers, other_model, outage, restart, die, die, fail_api),
    *(suspend, abort, promote, retry, edit_guard, edit_margin, err, lead_by_hand, delete_overlay),
)
