"""The dashboard on a live campaign: no query fails, none is empty, and a restart leaves no gap.

What only a guard has to show is asked for throughout, and must answer once a promoted setting is watched.
"""

from __future__ import annotations

from typing import Any

from dashboard_build.build import dashboard
from dashboard_build.guard_row import GUARD
from earlystop.api.wire import PROMOTE_ANNOTATION
from earlystop.cli.savings import savings_of
from tests.cluster.errors import ClusterError
from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage, direct
from tests.e2e.stage_objects import phase_is
from tests.e2e.whole import abort

NAME = "shown"
PRICE = {"price": {"perMillionTokens": "0.60", "currency": "EUR"}}
GUARDED = {"holdbackWeight": 20, "windowSeconds": 3600}
AFTER_A_DECISION = {"Verdicts A"}
"""What has nothing to show before the first decision."""
OF_A_GUARD = {
    f"{panel.title} {chr(ord('A') + number)}" for panel in GUARD.panels for number in range(len(panel.queries))
}
"""What has nothing to show before a promotion."""
NOT_WITHOUT_CERTIFICATE = {"Guarded B"}
"""What has nothing to show of a promotion that a person asked for, which certifies nothing."""
AFTER_AN_ALARM_OR_A_CHANGE = {"Guarded C", "Whether the promoted setting serves A"}
"""What has nothing to show before an alarm, or before the load has changed the setting that serves."""


def queries(stage: Stage) -> dict[str, str]:
    """Every query of a panel by its panel and letter, about the stage's policy."""
    values = {"$namespace": stage.namespace, "$policy": NAME, "$candidate": _candidate(stage)}
    found = {}
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = _with(values, target["expr"])
    return found


def _candidate(stage: Stage) -> str:
    return str(stage.policy(NAME)["status"]["candidate"])


def _with(values: dict[str, str], text: str) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def empty(stage: Stage) -> set[str]:
    """The queries without an answer. Raises ClusterError for one that fails."""
    return {name for name, text in queries(stage).items() if not stage.prometheus.query(text)}


def wait_answered(stage: Stage, deadline_seconds: float, excused: set[str]) -> None:
    """Wait until all queries but these have an answer. Raises AssertionError with the names of those without one."""
    missing: set[str] = set()

    def all_answer() -> bool:
        missing.clear()
        missing.update(empty(stage) - excused)
        return not missing

    try:
        wait_until(all_answer, deadline_seconds, "every query of the dashboard to have an answer")
    except ClusterError as error:
        raise AssertionError(f"{error}; without one: {sorted(missing)}") from None


def page_of(stage: Stage) -> str:
    with direct.open(f"{stage.health_url}/metrics", timeout=5) as response:
        return str(response.read().decode())


def test_no_query_of_the_dashboard_fails_or_is_empty_and_a_restart_leaves_no_gap(stage: Stage, load: None) -> None:
    targets = {"qa": [f"{stage.server_address}:{stage.metrics_port}"], "operator": [stage.health_url[7:]]}
    stage.prometheus.set_targets(targets)
    steps = [{"weight": 50, "minimumSeconds": 600}]
    stage.apply_policy(NAME, 5, "0.02", spec={"savings": PRICE, "guard": GUARDED}, steps=steps, deadlineSeconds=3600)
    stage.wait_for(NAME, _has_evidence, 60, "with evidence in its status")
    assert stage.operator is not None
    stage.operator.stop(0.0)
    stage.start_operator()
    mine = f'earlystop_policy_log_e{{candidate="{_candidate(stage)}",claim="promote"'
    wait_until(lambda: mine in page_of(stage), 10, "the policy's metrics to be back")
    stage.prometheus.wait_up()
    assert {*OF_A_GUARD, *AFTER_A_DECISION} <= set(queries(stage)), "a panel has another name by now"
    wait_answered(stage, 40, OF_A_GUARD | AFTER_A_DECISION)
    assert stage.policy(NAME)["status"]["phase"] == "Observing"
    _books_agree(stage)
    _promote(stage)
    stage.wait_for(NAME, phase_is("Promoted"), 30, "promoted")
    wait_answered(stage, 40, NOT_WITHOUT_CERTIFICATE | AFTER_AN_ALARM_OR_A_CHANGE)
    abort(stage, NAME)
    status = stage.wait_for(NAME, phase_is("RolledBack"), 30, "rolled back")
    (decisions,) = dashboard()["annotations"]["list"]
    shown = _with({"$namespace": stage.namespace, "$policy": NAME}, decisions["expr"])

    def is_shown() -> bool:
        said = [each["metric"] for each in stage.prometheus.query(shown)]
        return [(each["decision"], each["reason"]) for each in said] == [("RollBack", status["decision"]["reason"])]

    wait_until(is_shown, 20, "the decision to be shown, and that before it no more")
    wait_answered(stage, 20, OF_A_GUARD)


def _has_evidence(status: dict[str, Any]) -> bool:
    return bool((status.get("evidence") or {}).get("looks")) and "savings" in status


def _promote(stage: Stage) -> None:
    """Ask for the promotion of what is on trial, as a person may."""
    asked = f"{PROMOTE_ANNOTATION}={stage.policy(NAME)['status']['revision']}"
    stage.access.kubectl("annotate", f"esp/{NAME}", asked, f"--namespace={stage.namespace}")


def _books_agree(stage: Stage) -> None:
    """What the status says of the ledger, the command adds up."""
    policy = stage.policy(NAME)
    found = savings_of(policy, [])
    assert found is not None and found.worth is not None and found.worth.currency == "EUR"
    told = policy["status"]["savings"]
    assert told["savedTokens"] - told["lostTokens"] == found.net > 0
