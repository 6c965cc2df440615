"""Policies and verdicts from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from earlystop.api.policy import PolicySpec
from earlystop.cli.documents import read_documents
from earlystop.cli.failure import CommandFailure
from earlystop.cli.offline_check import problems_of


def read_manifest(path: Path, kind: str) -> dict[str, Any]:
    """The one object of a kind in a YAML or JSON file. Raises CommandFailure with a sentence for a person."""
    objects = read_documents(path)
    found = [each for each in objects if each.get("kind") == kind]
    if len(found) > 1:
        raise CommandFailure(f"{path} holds {len(found)} objects of kind {kind}; name a file with just one.")
    if not found:
        kinds = ", ".join(sorted({str(each.get("kind") or "object without a kind") for each in objects}))
        raise CommandFailure(f"{path} holds no {kind}, but " + (f"a {kinds}." if kinds else "no object at all."))
    return found[0]


def read_policy(path: Path) -> PolicySpec:
    """The spec of the one EarlyStopPolicy in a file, whether or not an API server takes it.

    Raises CommandFailure.
    """
    manifest = read_manifest(path, "EarlyStopPolicy")
    try:
        return PolicySpec.model_validate(manifest.get("spec"))
    except ValidationError:
        raise CommandFailure(f"{path}: {problems_of(manifest)[0]}") from None


def read_checked_policy(path: Path) -> PolicySpec:
    """As `read_policy`, for a policy that an API server takes and this release can carry out. Raises CommandFailure."""
    manifest = read_manifest(path, "EarlyStopPolicy")
    problems = problems_of(manifest)
    if problems:
        more = f" ({len(problems) - 1} more: see kubectl earlystop validate {path})" if len(problems) > 1 else ""
        raise CommandFailure(f"{path}: {problems[0]}{more}")
    return PolicySpec.model_validate(manifest["spec"])
