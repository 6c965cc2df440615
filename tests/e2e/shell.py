"""A person's shell on a stage: kubectl and this project's command are on its PATH, as the README supposes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

from tests.cluster.binaries import binary
from tests.cluster.plugin import write_plugin
from tests.cluster.processes import Child
from tests.e2e.stage import Stage
from tests.readme_commands import policy_text

SHOWN_NAMESPACE, SHOWN_SOURCE = "llm", "{name: default}"


class Shell:
    """Runs commands of the README in `folder`, where its policy.yaml lies, in the stage's namespace."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._folder = stage, folder
        self._path = f"{write_plugin(folder)}:{binary('kubectl').parent}:{os.environ['PATH']}"
        policy = policy_text().replace(f"namespace: {SHOWN_NAMESPACE}}}", f"namespace: {stage.namespace}}}")
        (folder / "policy.yaml").write_text(policy.replace(SHOWN_SOURCE, f"{{name: {stage.source}}}"))

    def run(self, line: str, answer: str = "") -> str:
        """What the command printed. answer: what the person types. Raises AssertionError when it fails."""
        ended = self._ended(self._words(line), answer)
        assert ended.returncode == 0, f"{line}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def run_script(self, script: str, answer: str = "") -> tuple[int, str]:
        """How a line of a shell ended, which may have pipes and redirections, and all that it printed. Where it names
        the shown namespace, it is about the stage's. answer: what the person types."""
        here = re.sub(rf"\b{SHOWN_NAMESPACE}\b", self._stage.namespace, script)
        ended = self._ended(["bash", "-o", "pipefail", "-c", here], answer)
        return ended.returncode, ended.stdout + ended.stderr

    def _ended(self, words: list[str], answer: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            input=answer,
            env={**os.environ, **self._environment},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=720,
        )

    def begin(self, line: str) -> Child:
        """The command under way."""
        return Child("shown", self._words(line), self._folder, environment=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": self._path, "KUBECONFIG": str(self._stage.access.kubeconfig), "HOME": str(self._folder)}

    def _words(self, line: str) -> list[str]:
        program, *words = shlex.split(line)
        assert program == "kubectl", f"{line}: a shell of the tests runs kubectl alone"
        return [str(binary("kubectl")), *(self._stage.namespace if word == SHOWN_NAMESPACE else word for word in words)]
