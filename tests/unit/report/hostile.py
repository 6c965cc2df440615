"""Verdicts in which tenants wrote what a browser would act on."""

from __future__ import annotations

import json
from typing import Any

from earlystop.report.content import Report, report_of
from earlystop.report.trail import TrailEntry, chain_problem
from earlystop.rollout.verdict import digest_of
from tests.cluster.objects import verdict

MARKUP = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}<!--"
NOW = 1_760_009_999


def stored(manifest: dict[str, Any]) -> dict[str, Any]:
    """The object as an API server gives it back."""
    return dict(json.loads(json.dumps(manifest)))


def hostile_verdict(**fields: Any) -> dict[str, Any]:
    """A verdict with other fields in its record, whose digest belongs to it."""
    manifest = stored(verdict("llm"))
    manifest["spec"] |= fields
    manifest["spec"]["digest"] = digest_of(manifest["spec"])
    return manifest


def reported(*manifests: dict[str, Any]) -> Report:
    """The report of the first of these verdicts of one policy."""
    trail = [TrailEntry.of(each) for each in manifests]
    problem = chain_problem(trail[0].name, trail)
    return report_of(manifests[0], trail, NOW, broken_chain=() if problem is None else (problem,))
