"""Optuna proposes settings to a search of strategy External; the operator tries each, and only a certificate promotes.

    pip install . "optuna>=5"                     # in this repository: the policy is read as the operator reads it
    python manifests/examples/optuna_proposer.py qa-external -n llm

Whoever runs it needs the ClusterRoles earlystop-propose and earlystop-view in the policy's namespace
(external-search.yaml binds both). All that it knows stands in the policy's status, so it may be stopped and started
again at any moment. The operator bounds its share of the risk and of the requests, whatever it proposes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from earlystop.api.policy import PolicySpec
from earlystop.api.search_space import SearchSetting

SECONDS_BETWEEN_READS = 5


@dataclass(frozen=True)
class Tried:
    """What a trial has shown of a setting. loss: points of Exact Match lost as a fraction; saving: share of tokens."""

    loss: float
    saving: float


class Cluster(Protocol):
    """What the proposer asks of a cluster."""

    def user(self) -> str:
        """The own user name."""

    def policy(self) -> Mapping[str, Any]:
        """The policy, with its status."""

    def proposals(self) -> Sequence[Mapping[str, Any]]:
        """All proposals of the namespace, with what became of them."""

    def create(self, proposal: Mapping[str, Any]) -> str:
        """Create a proposal. Returns its name."""

    def wait(self) -> None:
        """Let some time pass."""


class Sampler(Protocol):
    """Who chooses the next setting."""

    def choose(
        self, untried: Sequence[SearchSetting], tried: Mapping[SearchSetting, Tried], margin: float
    ) -> SearchSetting:
        """One of those that nobody has tried. tried: what is known. margin: the largest loss that is allowed."""


class OptunaSampler:
    """Tree-structured Parzen estimators, with the loss as their constraint. seed: of all draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def choose(
        self, untried: Sequence[SearchSetting], tried: Mapping[SearchSetting, Tried], margin: float
    ) -> SearchSetting:
        """The untried setting that is nearest to the point that Optuna asks for, between careful (0) and bold (1)."""
        import optuna

        axes = {f"axis-{at}": optuna.distributions.FloatDistribution(0.0, 1.0) for at in range(len(untried[0].place))}
        sampler = optuna.samplers.TPESampler(seed=self.seed + len(tried), n_startup_trials=3)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for setting, seen in tried.items():
            params = dict(zip(axes, setting.place, strict=True))
            constraints = {"loss": seen.loss - margin}
            study.add_trial(
                optuna.trial.create_trial(params=params, distributions=axes, value=seen.saving, constraints=constraints)
            )
        asked = study.ask(axes).params

        def distance(setting: SearchSetting) -> float:
            return float(sum((asked[name] - at) ** 2 for name, at in zip(axes, setting.place, strict=True)))

        return min(untried, key=distance)


def propose(cluster: Cluster, sampler: Sampler, most: int) -> str:
    """Propose one setting after the other, at most so many. Returns why it ended, as a sentence."""
    proposer = cluster.user()
    for waiting in _waiting(cluster, proposer):  # of an earlier run
        _wait_for(cluster, waiting)
    for _ in range(most):
        policy = cluster.policy()
        spec = PolicySpec.model_validate(policy["spec"])
        settings = spec.search_settings()
        search = policy.get("status", {}).get("search") or {}
        if search.get("ended"):
            return str(search["ended"]["message"])
        tried, known = _tried(search, settings)
        untried = [each for each in settings if each.name not in tried]
        if not untried:
            return "Every setting was tried."
        chosen = sampler.choose(untried, known, float(spec.objective.exact_match.margin))
        name = cluster.create(_proposal(policy, proposer, chosen))
        print(f"{name}: {dict(chosen.values)}", flush=True)
        refused = _wait_for(cluster, name)
        if refused:
            return refused
    return f"As many were proposed as --most allows: {most}."


def _waiting(cluster: Cluster, proposer: str) -> list[str]:
    """Names of our own proposals to the policy that have a trial before them."""
    policy = cluster.policy()["metadata"]["name"]
    mine = [
        each
        for each in cluster.proposals()
        if each["spec"]["proposer"] == proposer and each["spec"]["policyRef"]["name"] == policy
    ]
    return [each["metadata"]["name"] for each in mine if not _is_over(_conditions(each))]


def _conditions(proposal: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {each["type"]: each for each in proposal.get("status", {}).get("conditions", ())}


def _is_over(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    return _was_tried(conditions) or conditions.get("Accepted", {}).get("status") == "False"


def _was_tried(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether its trial is over: while it goes on the condition is there, and Unknown."""
    return conditions.get("Tried", {}).get("status") == "True"


def _tried(
    search: Mapping[str, Any], settings: Sequence[SearchSetting]
) -> tuple[frozenset[str], dict[SearchSetting, Tried]]:
    """Names of the settings that were tried, and what was seen of those that were compared."""
    by_name = {each.name: each for each in settings}
    rows = search.get("trials", ())
    seen = {
        by_name[each["setting"]]: Tried(float(each["loss"]), float(each["saving"]))
        for each in rows
        if each["setting"] in by_name and each.get("loss") is not None and each.get("saving") is not None
    }
    return frozenset(each["setting"] for each in rows), seen


def _proposal(policy: Mapping[str, Any], proposer: str, setting: SearchSetting) -> dict[str, Any]:
    metadata = {"generateName": f"{policy['metadata']['name']}-", "namespace": policy["metadata"]["namespace"]}
    return {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopProposal",
        "metadata": metadata,
        "spec": {
            "policyRef": {"name": policy["metadata"]["name"]},
            "proposer": proposer,
            "values": [{"name": name, "value": value} for name, value in setting.values],
        },
    }


def _wait_for(cluster: Cluster, name: str) -> str:
    """Wait until a proposal was tried. Returns why it will not be, "" where it was, or where another's trial has
    answered the same question."""
    while True:
        found = next((each for each in cluster.proposals() if each["metadata"]["name"] == name), None)
        if found is None:
            return f"Proposal {name} was deleted."
        conditions = _conditions(found)
        if _was_tried(conditions):
            print(f"{name}: {conditions['Tried']['message']}", flush=True)
            return ""
        if _is_over(conditions):
            refused = conditions["Accepted"]
            return "" if refused["reason"] == "AlreadyTried" else str(refused["message"])
        cluster.wait()


@dataclass(frozen=True)
class Kubectl:
    """A cluster by the command kubectl, which has its credentials."""

    policy_name: str
    namespace: str

    def user(self) -> str:
        """By `kubectl auth whoami`."""
        return str(self._run("auth", "whoami", "--output=json")["status"]["userInfo"]["username"])

    def policy(self) -> Mapping[str, Any]:
        """By `kubectl get`."""
        return self._run("get", "earlystoppolicy", self.policy_name, "--output=json")

    def proposals(self) -> Sequence[Mapping[str, Any]]:
        """By `kubectl get`."""
        found: Sequence[Mapping[str, Any]] = self._run("get", "earlystopproposals", "--output=json")["items"]
        return found

    def create(self, proposal: Mapping[str, Any]) -> str:
        """By `kubectl create`: a proposal is never changed, so none is applied."""
        made = self._run("create", "--filename=-", "--output=json", text=json.dumps(proposal))
        return str(made["metadata"]["name"])

    def wait(self) -> None:
        """Some seconds: a trial takes minutes at least."""
        time.sleep(SECONDS_BETWEEN_READS)

    def _run(self, *words: str, text: str | None = None) -> dict[str, Any]:
        command = ["kubectl", "--namespace", self.namespace, *words]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise SystemExit(done.stderr.strip())
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def main(words: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Let Optuna propose settings to a search of strategy External.")
    parser.add_argument("policy", help="name of the policy")
    parser.add_argument("-n", "--namespace", default="default", help="its namespace")
    parser.add_argument("--most", type=int, default=20, help="settings to propose at most")
    parser.add_argument("--seed", type=int, default=0, help="of Optuna's draws")
    given = parser.parse_args(words)
    print(propose(Kubectl(given.policy, given.namespace), OptunaSampler(given.seed), given.most))


if __name__ == "__main__":
    main(sys.argv[1:])
