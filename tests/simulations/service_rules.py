"""What holds of a policy in service, whatever happens to it; written without the operator's own tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from earlystop.api.status.compact import is_compact, whole
from earlystop.controller.cluster import CHECKPOINTS, VERDICTS, Manifest
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.chain_report import chain_report
from earlystop.rollout.state import DECIDED, TRYING, Phase, RolloutState, Verdict
from tests.simulations.service_traffic import Served
from tests.unit.controller.memory import Memory

GUARDED_BYTES = 6144
"""A status of these policies says much of what goes wrong; guard.md has what it takes while all is well."""
BLIND_SECONDS = 1800
LARGEST_BYTES = 64 * 1024
MOST_VERDICTS = 80
PROMOTED = (Phase.PROMOTING, Phase.PROMOTED)


def window_of(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """The window of a setting."""
    return dict(values)["window"]


def exposed(users_get: tuple[Served, ...]) -> set[str]:
    """Windows that users get beside the baseline's."""
    return {each.window for each in users_get if each.percent and each.variant != "baseline"}


def allowed(state: RolloutState) -> set[str]:
    """Windows that users may get beside the baseline's, by what is stored."""
    if state.plan is None:
        return set()
    plan = state.pinned_plan
    found = set()
    if plan.incumbent is not None:
        found.add(window_of(plan.incumbent.values))
    if state.phase not in DECIDED:
        return found | {window_of(plan.settings_of(name)) for name in plan.names}
    decision = state.decision
    assert decision is not None
    if state.phase in (Phase.PROMOTING, Phase.PROMOTED):
        found.add(window_of(plan.settings_of(decision.candidate)))
        found |= {window_of(plan.settings_of(each.name)) for each in state.comparisons if each.certified_at is not None}
    if state.phase in (Phase.HOLDING, Phase.HELD, Phase.CHOOSING):
        found |= {window_of(plan.settings_of(name)) for name in plan.names}
    return found


class ServiceRules:
    """Asked after each write, each whole reconciliation and each pass over the record."""

    def __init__(self) -> None:
        self.largest, self.largest_status = 0, Manifest()
        self.verdicts = 0

    def after_write(self, state: RolloutState, users_get: tuple[Served, ...], verdicts: list[Manifest]) -> None:
        """What harms is off before its verdict is stored."""
        decision = state.decision
        if decision is None or state.phase is not Phase.ROLLING_BACK:
            return
        told = state.revision, decision.reason, rfc3339(decision.at)
        stored = {(each["spec"]["revision"], each["spec"]["reason"], each["spec"]["at"]) for each in verdicts}
        assert told not in stored or not exposed(users_get), f"the verdict was stored before users were off: {told}"

    def after_visit(
        self, policy: Manifest, state: RolloutState, users_get: tuple[Served, ...], blind_seconds: float
    ) -> None:
        """Users get what is stored, and the status says what is going on, within its size. blind_seconds: for so long
        no count could be read."""
        windows = exposed(users_get)
        assert windows <= allowed(state), f"users get {windows}, {state.phase} allows {allowed(state)}"
        stored = policy["status"]
        conditions = {each["type"]: each for each in whole(stored)["conditions"]}
        assert stored["observedGeneration"] == policy["metadata"]["generation"]
        promoted = conditions["Promoted"]["status"]
        assert promoted != "True" or state.phase is Phase.PROMOTED, conditions["Promoted"]
        # Unknown: an edit waits, since the policy is suspended or cannot be carried out.
        assert state.phase is not Phase.PROMOTED or promoted in ("True", "Unknown"), conditions["Promoted"]
        on = [name for name in ("Progressing", "Stalled") if conditions.get(name, {}).get("status") == "True"]
        assert len(on) <= 1, f"both of {on}"
        assert all(each["message"].strip() and each["reason"] for each in conditions.values())
        if state.phase is Phase.PROMOTED and state.guard is not None:
            watches = conditions["Guarded"]["status"] == "True"
            assert not (watches and blind_seconds > BLIND_SECONDS), conditions["Guarded"]
        self._measure(stored)

    def after_gates(
        self,
        state: RolloutState,
        users_get: tuple[Served, ...],
        gates: Sequence[Mapping[str, Any]],
        opened: Collection[tuple[str, str]],
    ) -> None:
        """Nothing is promoted, and no step begins, whose gates have not opened. opened: revisions, with the number of a
        step or "promotion", of which a gate was opened."""
        decision = state.decision
        if decision is not None and decision.verdict is Verdict.PROMOTE and state.phase in PROMOTED:
            needs = any(each.get("before") != "Step" for each in gates)
            assert not needs or (state.revision, "promotion") in opened, f"promoted before its gates: {decision}"
        if state.phase in TRYING and exposed(users_get) and any(each.get("before") == "Step" for each in gates):
            steps = {each.step for each in users_get}
            assert all((state.revision, str(step + 1)) in opened for step in steps), f"steps {steps} before their gates"

    def _measure(self, stored: Manifest) -> None:
        size = len(json.dumps(stored, separators=(",", ":"), ensure_ascii=False).encode())
        if is_compact(stored) and size > self.largest:
            self.largest, self.largest_status = size, stored
        assert size <= (GUARDED_BYTES if is_compact(stored) else LARGEST_BYTES), f"{size} bytes"

    def after_pass(self, api: Memory) -> None:
        """Each verdict says what its looks give, each follows the one before, and there are no more than are kept."""
        verdicts = [each for path, each in sorted(api.objects.items()) if path.startswith(VERDICTS.path("llm"))]
        checkpoints = [each for path, each in sorted(api.objects.items()) if path.startswith(CHECKPOINTS.path("llm"))]
        report = chain_report("qa", verdicts, checkpoints)
        assert report.problems == (), report.problems
        assert len(verdicts) <= MOST_VERDICTS
        self.verdicts = report.verdicts + report.removed
