"""`kubectl earlystop`, as kubectl finds and completes it, follows a policy on a real API server to the end."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES
from tests.cluster.binaries import binary
from tests.cluster.kit import Cluster
from tests.cluster.plugin import write_plugin
from tests.cluster.processes import Child, wait_until
from tests.unit.cli.shown_policies import policy_in

STORY = ("applying", "observing nothing yet", "observing", "observing a broken split", "promoted")
PROMOTED = policy_in("promoted")


class Terminal:
    """A shell's environment in which kubectl finds the command. kubeconfig: whose rights it has."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.path = f"{write_plugin(folder)}:{binary('kubectl').parent}:{os.environ['PATH']}"

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        return {
            "PATH": self.path,
            "KUBECONFIG": str(kubeconfig or self.cluster.access.kubeconfig),
            "HOME": str(self.folder),
        }

    def run(self, *words: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`kubectl WORDS` to its end."""
        environment = {**os.environ, **self.environment(kubeconfig)}
        return subprocess.run(
            [binary("kubectl"), *words], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def follow(self, name: str, *words: str) -> Child:
        """`kubectl earlystop WORDS qa`, under way."""
        command: list[str | Path] = [binary("kubectl"), "earlystop", *words, "qa", f"--namespace={self.namespace}"]
        return Child(name, command, self.folder, environment=self.environment())

    def tell(self, state: str) -> None:
        """The policy's status becomes that of a state."""
        found: dict[str, Any] = self.cluster.access.read(POLICIES, self.namespace, "qa")
        status = json.dumps(
            {"status": {**policy_in(state)["status"], "observedGeneration": found["metadata"]["generation"]}}
        )
        where = ("esp/qa", f"--namespace={self.namespace}", "--subresource=status", "--type=merge")
        self.cluster.access.kubectl("patch", *where, f"--patch={status}")


@pytest.fixture
def terminal(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Terminal]:
    policy = {key: value for key, value in PROMOTED.items() if key != "status"}
    policy["metadata"] = {"name": "qa", "namespace": namespace}
    cluster.access.apply(policy)
    yield Terminal(cluster, namespace, tmp_path)
    cluster.access.kubectl("delete", "esp/qa", f"--namespace={namespace}", "--ignore-not-found")


def has_said(child: Child, phase: str) -> bool:
    return phase in child.tail()


def test_a_rollout_is_followed_line_by_line_to_its_end_and_every_command_knows_it(terminal: Terminal) -> None:
    terminal.tell(STORY[0])
    watching = terminal.follow("watching", "watch", "--exit-status")
    waiting = terminal.follow("waiting", "wait", "--timeout=5m", "--exit-status")
    shown = [policy_in(state)["status"]["phase"] for state in STORY]
    for state, phase in zip(STORY, shown, strict=True):
        terminal.tell(state)
        wait_until(partial(has_said, watching, phase), 30, f"the line that says {phase}")
    wait_until(lambda: watching.exit_code is not None and waiting.exit_code is not None, 30, "both to end")
    assert (watching.exit_code, waiting.exit_code) == (0, 0), (watching.tail(), waiting.tail())
    assert "weight 100 %" in watching.tail(1) and "Promoted" in waiting.tail(1)
    listed = terminal.run("earlystop", "get", "-A")
    assert terminal.namespace in listed.stdout and "Promoted" in listed.stdout, listed.stderr
    screen = terminal.run("earlystop", "status", "qa", "-n", terminal.namespace)
    assert "proven at 1 in 20" in screen.stdout, screen.stderr
    explained = terminal.run("earlystop", "explain", "qa", "-n", terminal.namespace)
    assert "Nothing more happens by itself." in explained.stdout, explained.stderr
    completed = terminal.run("__complete", "earlystop", "explain", "-n", terminal.namespace, "q")
    assert completed.stdout.split()[0] == "qa", (completed.stdout, completed.stderr)
    mistyped = terminal.run("earlystop", "status", "qaa", "-n", terminal.namespace)
    assert mistyped.returncode == 1 and "perhaps qa is meant" in mistyped.stderr


def test_who_may_read_but_not_watch_is_told_which_right_is_missing(terminal: Terminal) -> None:
    access, namespace = terminal.cluster.access, terminal.namespace
    where = f"--namespace={namespace}"
    access.kubectl("create", "serviceaccount", "reader", where)
    access.kubectl("create", "role", "reader", "--verb=get,list", "--resource=earlystoppolicies.earlystop.dev", where)
    access.kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", where)
    config = access.service_account_kubeconfig(namespace, "reader")
    terminal.tell("observing")
    refused = terminal.run("earlystop", "watch", "qa", "-n", namespace, kubeconfig=config)
    assert refused.returncode == 1 and "The verb watch on earlystoppolicies.earlystop.dev" in refused.stderr
    assert terminal.run("earlystop", "status", "qa", "-n", namespace, kubeconfig=config).returncode == 0
