"""What a process sets for its own libraries no program that it starts finds in its environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.processes.environment import environment

ASKS = """
import asyncio, json, os, sys
from earlystop.cli.short_process import PLUGINS, short_process
with short_process():
    from earlystop.controller.api_login import ApiLogin
    login = asyncio.run(ApiLogin.find("here"))
    asyncio.run(login.renew(login.renewals_tried))
    print(os.environ[PLUGINS])
"""
PLUGIN = """
import json, os, sys
with open(sys.argv[1], "a") as seen:
    print(os.environ.get("PYDANTIC_DISABLE_PLUGINS", "not set"), file=seen)
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("started_with", "seen"), [({}, "not set"), ({"PYDANTIC_DISABLE_PLUGINS": "mine"}, "mine")])
def test_a_kubeconfigs_plugin_finds_the_environment_that_the_command_was_started_with(
    tmp_path: Path, started_with: dict[str, str], seen: str
) -> None:
    plugin, kubeconfig, told = tmp_path / "plugin.py", tmp_path / "kubeconfig", tmp_path / "told"
    plugin.write_text(PLUGIN)
    asked = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin), str(told)],
        "interactiveMode": "Never",
    }
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [{"name": "me", "user": {"exec": asked}}],
                "current-context": "here",
            }
        )
    )
    variables = {**environment(), **started_with, "KUBECONFIG": str(kubeconfig)}
    command = [sys.executable, "-c", ASKS]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (started_with.get("PYDANTIC_DISABLE_PLUGINS", "__all__"), "")
    assert told.read_text().split("\n")[:-1] == [seen, seen], "when it is asked first, and for a renewal"
