"""The commands that the README shows, and what runs each of them in the tests.

A command that stands in no table here fails `tests/unit/docs/test_readme.py`, so none is shown that nobody has run.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

OFFLINE = (
    "kubectl earlystop plan manifests/examples/stock-vllm.yaml --rate 2",
    "kubectl earlystop validate policy.yaml",
    "kubectl earlystop plan policy.yaml --rate 20",
    "kubectl earlystop simulate policy.yaml --rate 20 --em-loss 0.03 --runs 10",
)
"""Run by the unit tests, as written."""

FOLLOWING = "kubectl earlystop watch qa -n llm"
"""Runs beside the others, from a look to the end."""

UNTIL_PROMOTED = (
    "kubectl apply -f policy.yaml",
    "kubectl get esp -n llm",
    "kubectl describe esp qa -n llm",
    "kubectl earlystop explain qa -n llm",
    "kubectl earlystop pause qa -n llm",
    "kubectl earlystop resume qa -n llm",
    "kubectl earlystop promote qa -n llm",
    "kubectl wait --for=condition=Completed esp/qa -n llm --timeout=25h",
)
AFTER_THE_VERDICT = (
    "kubectl earlystop diff qa -n llm -f policy.yaml",
    "kubectl earlystop report qa -n llm -o qa.html",
    "kubectl earlystop verify --chain qa -n llm",
    "kubectl earlystop savings -n llm",
    "kubectl earlystop abort qa -n llm --wait",
    "kubectl earlystop retry qa -n llm",
)
"""Run by `tests/e2e/test_rollout.py` on a real API server, Prometheus and gateway, in this order."""

ELSEWHERE = {
    "make demo": "tests/e2e/test_rollout.py plays its two acts on the same stage",
    "make test": "tests/README.md: it is the run in which this very test stands",
    "pip install .": "tests/cluster/test_image.py installs the package in an image; elsewhere it would ask a registry",
    "make image IMAGE=REGISTRY/earlystop-operator:0.1.0": "tests/cluster/test_image.py builds the image; there is no "
    "registry to name",
    "helm install earlystop charts/earlystop --namespace earlystop-system --create-namespace "
    "--set image.repository=REGISTRY/earlystop-operator": "tests/cluster/test_release.py installs the chart, by helm",
}
"""Commands that the tests run in another form, with where, and why not as written."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The texts of a page's code blocks of this language, "" for those of none."""
    return [text for name, text in _BLOCK.findall(page.read_text()) if name == language]


def shown() -> list[str]:
    """Every command line of the README's blocks."""
    return [line for text in blocks(ROOT / "README.md", "") for line in text.splitlines() if line.strip()]


def policy_text() -> str:
    """The policy that the README shows."""
    (text,) = blocks(ROOT / "README.md", "yaml")
    return text
