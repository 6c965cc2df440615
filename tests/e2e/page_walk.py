"""A person who gives the commands of the documentation's pages one after another, on a policy that asks people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.shell import Shell
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import phase_is
from tests.page_commands import AFTER_THE_VERDICT, WHILE_IT_WAITS, Shown

POLICY = "qa"
LOOK_SECONDS, PROMOTION_SECONDS = 90, 60
SIGNING_KEY = (
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out release.pem && "
    "openssl pkey -in release.pem -pubout -out release-public.pem && "
    "kubectl create secret generic release-key -n llm --from-file=key.pem=release.pem"
)
CLEARED = (
    "kubectl label namespace llm earlystop.dev/asks-people-",
    "kubectl delete secret earlystop-hooks -n earlystop-system --ignore-not-found",
)
"""What later tests of the same stage must not find there."""


class PageWalk:
    """The walk on a stage whose load runs. folder: where the shell stands, with the README's policy in policy.yaml."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._shell, self._folder = stage, Shell(stage, folder), folder

    def __enter__(self) -> PageWalk:
        return self

    def __exit__(self, *_: object) -> None:
        for line in CLEARED:
            self._shell.run_script(line)

    def failures(self) -> list[str]:
        """Each command that ended or printed otherwise than its table says, with what it printed."""
        self._begin()
        found = self._walked(WHILE_IT_WAITS, {})
        self._stage.wait_for(POLICY, phase_is("Promoted"), PROMOTION_SECONDS, "promoted")
        name = self._stage.policy(POLICY)["status"]["decision"]["name"]  # earlier verdicts of that name may be there
        self._prepare(SIGNING_KEY)
        placeholders = {"qa-8c1f0a2b33": name, "VERDICT": name, "POLICY": POLICY, "NAMESPACE": "llm", "NS": "llm"}
        return found + self._walked(AFTER_THE_VERDICT, placeholders)

    def _begin(self) -> None:
        """Brings the policy to where a promotion waits for somebody's approval."""
        policy: dict[str, Any] = yaml.safe_load((self._folder / "policy.yaml").read_text())
        policy["spec"]["approval"] = {"mode": "BeforePromotion"}
        policy["spec"]["rollout"] |= {"lookSeconds": 1, "settleSeconds": 2}  # no evidence has to be waited for here
        (self._folder / "policies").mkdir()
        (self._folder / "policies" / "qa.yaml").write_text(yaml.safe_dump(policy, sort_keys=False))
        self._prepare("kubectl apply -f policies/qa.yaml")
        self._stage.wait_for(POLICY, _has_look, LOOK_SECONDS, "looked at")
        self._prepare("kubectl earlystop promote qa -n llm --yes")
        self._stage.wait_for(POLICY, _is_awaiting, PROMOTION_SECONDS, "waiting for an approval")

    def _walked(self, commands: Sequence[Shown], placeholders: dict[str, str]) -> list[str]:
        found = []
        for each in commands:
            line = each.line
            for shown, real in placeholders.items():
                line = line.replace(shown, real)
            code, printed = self._shell.run_script(line, answer="y\n")
            wants = each.wants.replace("llm/", f"{self._stage.namespace}/")
            if code != each.code or wants not in printed:
                found.append(f"{each.page}: {line}: {code} in place of {each.code}, {each.wants!r} in {printed[-600:]}")
            if "get secret release-key" in line:  # whoever checks has the public key of the one that signs from now on
                self._prepare("cp release-public.pem public.pem")
        return found

    def _prepare(self, line: str) -> None:
        code, printed = self._shell.run_script(line)
        assert code == 0, f"{line}: {printed}"


def _has_look(status: dict[str, Any]) -> bool:
    return bool((status.get("evidence") or {}).get("looks"))


def _is_awaiting(status: dict[str, Any]) -> bool:
    return bool(status.get("awaiting"))
