"""The dashboard on a live campaign: no query fails, none is empty, and a restart leaves no gap."""

from __future__ import annotations

from typing import Any

from dashboard_build.build import dashboard
from earlystop.cli.savings import savings_of
from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage, direct, phase_is
from tests.e2e.whole import abort

NAME = "shown"
PRICE = {"price": {"perMillionTokens": "0.60", "currency": "EUR"}}
AFTER_A_DECISION = "Verdicts"
"""The panel that has nothing to show before the first decision."""


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


def empty(stage: Stage) -> list[str]:
    """The queries without an answer. Raises ClusterError for one that fails."""
    return [name for name, text in queries(stage).items() if not stage.prometheus.query(text)]


def page_of(stage: Stage) -> str:
    with direct.open(f"{stage.health_url}/metrics", timeout=5) as response:
        return str(response.read().decode())


def test_no_query_of_the_dashboard_fails_or_is_empty_and_a_restart_leaves_no_gap(stage: Stage, load: None) -> None:
    targets = {"qa": [f"{stage.server_address}:{stage.metrics_port}"], "operator": [stage.health_url[7:]]}
    stage.prometheus.set_targets(targets)
    steps = [{"weight": 50, "minimumSeconds": 600}]
    stage.apply_policy(NAME, 5, "0.02", spec={"savings": PRICE}, steps=steps, deadlineSeconds=3600)
    stage.wait_for(NAME, _has_evidence, 60, "with evidence in its status")
    assert stage.operator is not None
    stage.operator.stop(0.0)
    stage.start_operator()
    mine = f'earlystop_policy_log_e{{candidate="{_candidate(stage)}",claim="promote"'
    wait_until(lambda: mine in page_of(stage), 10, "the policy's metrics to be back")
    stage.prometheus.wait_up()
    last: list[str] = []

    def all_answer() -> bool:
        last[:] = [name for name in empty(stage) if not name.startswith(AFTER_A_DECISION)]
        return not last

    wait_until(all_answer, 40, f"every query of the dashboard to have an answer; without: {last}")
    assert stage.policy(NAME)["status"]["phase"] == "Observing"
    _books_agree(stage)
    abort(stage, NAME)
    status = stage.wait_for(NAME, phase_is("RolledBack"), 30, "rolled back")
    (decisions,) = dashboard()["annotations"]["list"]
    shown = _with({"$namespace": stage.namespace, "$policy": NAME}, decisions["expr"])
    wait_until(lambda: bool(stage.prometheus.query(shown)) and not empty(stage), 20, "the decision to be shown")
    (decision,) = stage.prometheus.query(shown)
    assert decision["metric"]["decision"] == "RollBack" and decision["metric"]["reason"] == status["decision"]["reason"]


def _has_evidence(status: dict[str, Any]) -> bool:
    return bool((status.get("evidence") or {}).get("looks")) and "savings" in status


def _books_agree(stage: Stage) -> None:
    """What the status says of the ledger, the command adds up."""
    policy = stage.policy(NAME)
    found = savings_of(policy, [])
    assert found is not None and found.worth is not None and found.worth.currency == "EUR"
    told = policy["status"]["savings"]
    assert told["savedTokens"] - told["lostTokens"] == found.net > 0
