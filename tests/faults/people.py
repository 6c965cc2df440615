"""People of a stage, each with rights and credentials of their own, and every way in which they ask for something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earlystop.api.wire import API_VERSION
from tests.cluster.errors import ClusterError
from tests.cluster.processes import child_environment, wait_until
from tests.e2e.scene import ROOT
from tests.e2e.stage import Stage

WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a kubeconfig of their own."""

    stage: Stage
    name: str
    kubeconfig: Path

    @property
    def user(self) -> str:
        """As the API server knows them."""
        return f"system:serviceaccount:{self.stage.namespace}:{self.name}"

    def earlystop(self, *args: str, answer: str = "") -> tuple[int, str]:
        """Exit code and output of `kubectl earlystop ARGS`."""
        paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
        settings = {"KUBECONFIG": str(self.kubeconfig), "PYTHONPATH": paths, "COLUMNS": "400"}
        command = [sys.executable, "-m", "earlystop.cli.main", *args]
        done = subprocess.run(
            command, env=child_environment(**settings), input=answer, capture_output=True, text=True, timeout=300
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def kubectl(self, *args: str, body: dict[str, Any] | None = None) -> str:
        """What `kubectl ARGS` printed; it acts as this person. Raises ClusterError where it is refused."""
        where = (f"--namespace={self.stage.namespace}", f"--as={self.user}")
        return self.stage.access.kubectl(*args, *where, input=None if body is None else json.dumps(body))

    def refusal(self, *args: str, body: dict[str, Any] | None = None) -> str:
        """What the API server says against that, "" where it takes it."""
        try:
            self.kubectl(*args, body=body)
        except ClusterError as error:
            return str(error)
        return ""

    def patches(self, policy: str, changes: dict[str, Any]) -> None:
        """As `kubectl annotate` and `kubectl patch` change a policy."""
        self.kubectl("patch", f"esp/{policy}", "--type=merge", f"--patch={json.dumps(changes)}")

    def applies(self, policy: str, changes: dict[str, Any], manager: str) -> None:
        """As a GitOps controller changes it, by server-side apply under a name of its own choice."""
        metadata = {"name": policy, "namespace": self.stage.namespace, **changes.get("metadata", {})}
        body = {**changes, "apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "metadata": metadata}
        how = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
        self.kubectl("apply", "--filename=-", *how, body=body)

    def does(self, *args: str) -> str:
        """What `kubectl earlystop ARGS` printed; it succeeds."""
        code, output = self.earlystop(*args)
        assert code == 0, output
        return output


def person(stage: Stage, name: str, *roles: str) -> Person:
    """A service account of the stage's namespace with these roles there, once it may do what they say."""
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("create", "serviceaccount", name, where)
    account = f"--serviceaccount={stage.namespace}:{name}"
    for role in roles:
        stage.access.kubectl("create", "rolebinding", f"{name}-{role}", where, f"--clusterrole={role}", account)
    verbs = [{"edit": "patch", "earlystop-approve": "approve"}.get(role, "get") for role in roles]
    user = f"--as=system:{account[2:].replace('=', ':')}"

    def may() -> bool:
        try:
            for verb in verbs:
                stage.access.kubectl("auth", "can-i", verb, "esp", where, user)
        except ClusterError:
            return False
        return True

    # The controllers aggregate the chart's roles a moment after they were created.
    wait_until(may, WAIT_SECONDS, f"{name} to be let in")
    return Person(stage, name, stage.access.service_account_kubeconfig(stage.namespace, name))
