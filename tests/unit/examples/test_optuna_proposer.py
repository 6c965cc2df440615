"""The example that proposes drives a search to its end, over a restart, by what the status says alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.api.proposal import ProposalSpec
from earlystop.api.search_space import SearchSetting
from earlystop.controller.proposals import conditions_of_fate
from earlystop.rollout.search.offers import Fate, FateReason, Offer
from earlystop.rollout.state import ENDED
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, Truth, World, ends, searched

SCRIPT = Path(__file__).parents[3] / "manifests" / "examples" / "optuna_proposer.py"
WHO = "system:serviceaccount:llm:optuna"
MOST_WAITS = 2000


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("optuna_proposer", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["optuna_proposer"] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


class Cluster:
    """The objects that a proposer sees, over a search in memory. world: that search."""

    def __init__(self, spec: PolicySpec, truth: Mapping[str, Truth]) -> None:
        self.world = World(spec, truth)
        self.waits = 0

    def user(self) -> str:
        return WHO

    def policy(self) -> dict[str, Any]:
        status = self.world.written[-1] if self.world.written else {}
        return {"metadata": {"name": "qa", "namespace": "llm"}, "spec": self.world.spec.wire(), "status": status}

    def proposals(self) -> list[dict[str, Any]]:
        return [self._proposal(each) for each in self.world.fates()]

    def create(self, proposal: Mapping[str, Any]) -> str:
        spec = ProposalSpec.model_validate(proposal["spec"])
        assert (spec.policy_ref.name, spec.proposer) == ("qa", WHO)
        at = len(self.world.offers)
        values = tuple((each.name, each.value) for each in spec.values)
        self.world.offers = (*self.world.offers, Offer(f"2026-01-01T00:00:{at:02}Z", f"qa-{at}", WHO, values))
        return f"qa-{at}"

    def wait(self) -> None:
        self.waits += 1
        assert self.waits < MOST_WAITS, f"still {self.world.state.phase}"
        self.world.go_on()
        self.world.store()

    @staticmethod
    def _proposal(fate: Fate) -> dict[str, Any]:
        conditions = [
            {"type": kind, "status": status, "reason": reason, "message": fate.message}
            for kind, (status, reason) in conditions_of_fate(fate).items()
        ]
        spec = {"policyRef": {"name": "qa"}, "proposer": fate.offer.proposer}
        return {"metadata": {"name": fate.offer.name}, "spec": spec, "status": {"conditions": conditions}}


class FirstUntried:
    """Careful to bold, with what it was told at each choice."""

    def __init__(self) -> None:
        self.told: list[dict[str, float]] = []

    def choose(
        self, untried: Sequence[SearchSetting], tried: Mapping[SearchSetting, Any], margin: float
    ) -> SearchSetting:
        assert margin == 0.05
        self.told.append({setting.name: round(seen.saving, 2) for setting, seen in tried.items()})
        return untried[0]


SPEC = searched({"strategy": "External"})


@pytest.mark.slow
def test_each_setting_is_proposed_after_what_the_trials_before_it_have_shown(example: ModuleType) -> None:
    cluster, sampler = Cluster(SPEC, SAFE_BUT_LAST), FirstUntried()
    why = example.propose(cluster, sampler, 10)
    assert ends(cluster.world.state) == [
        *(("window-30", "Certified"), ("window-20", "Certified"), ("window-10", "Certified"), ("window-5", "Harmful"))
    ]
    assert sampler.told[:3] == [{}, {"window-30": 0.2}, {"window-30": 0.2, "window-20": 0.3}]
    assert why == "Every setting was tried." or "is the best proven one" in why


@pytest.mark.slow
def test_a_proposer_that_was_stopped_waits_for_its_own_proposal_and_goes_on(example: ModuleType) -> None:
    cluster = Cluster(SPEC, SAFE_BUT_LAST)
    assert example.propose(cluster, FirstUntried(), 1).endswith("--most allows: 1.")
    cluster.create(example._proposal(cluster.policy(), WHO, SPEC.search_settings()[1]))
    assert cluster.world.fates()[-1].reason is FateReason.WAITING
    example.propose(cluster, FirstUntried(), 1)
    assert [name for name, _ in ends(cluster.world.state)] == ["window-30", "window-20", "window-10"]


@pytest.mark.slow
def test_one_whose_share_is_spent_is_told_so_and_ends(example: ModuleType) -> None:
    spec = searched({"strategy": "External", "failureBudget": 1})
    cluster = Cluster(spec, NONE_IS_SAFE)
    why = example.propose(cluster, FirstUntried(), 10)
    assert ends(cluster.world.state) == [("window-30", "Harmful")] and cluster.world.state.phase not in ENDED
    assert "failed" in why or "share" in why, why
