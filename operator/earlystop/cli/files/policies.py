"""Policies and verdicts from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import named, read_documents
from earlystop.cli.files.offline_check import Malformed, problems_of, spec_of

HINTS = {"EarlyStopVerdict": "; save one by kubectl get esv NAME -n llm -o yaml > verdict.yaml"}
"""How to get an object that a file lacks, by its kind: the end of a sentence."""


def read_manifest(path: Path, kind: str) -> dict[str, Any]:
    """The one object of a kind in a YAML or JSON file. Raises CommandFailure with a sentence for a person."""
    objects = read_documents(path)
    found = [each for each in objects if each.get("kind") == kind]
    if len(found) > 1:
        raise CommandFailure(f"{named(path)} holds {len(found)} objects of kind {kind}; name a file with just one.")
    if not found:
        kinds = sorted({str(each["kind"]) for each in objects if isinstance(each.get("kind"), str)})
        only = f", only: {', '.join(kinds)}" if kinds else ""
        raise CommandFailure(f"{named(path)} holds no {kind}{only}{HINTS.get(kind, '')}.")
    return found[0]


def read_policy(path: Path) -> PolicySpec:
    """The spec of the one EarlyStopPolicy in a file, whether or not its rules hold. Raises CommandFailure."""
    return _parsed(path, read_manifest(path, "EarlyStopPolicy"))


def read_checked_policy(path: Path) -> PolicySpec:
    """As `read_policy`, for a policy that an API server takes and this release can carry out. Raises CommandFailure."""
    manifest = read_manifest(path, "EarlyStopPolicy")
    problems = problems_of(manifest)
    if problems:
        more = f" ({len(problems) - 1} more: see kubectl earlystop validate {path})" if len(problems) > 1 else ""
        raise CommandFailure(f"{named(path)}: {problems[0]}{more}")
    return _parsed(path, manifest)


def read_offline_policy(path: Path) -> PolicySpec:
    """As `read_checked_policy`, for a policy whose traffic can be made up or told by a file. Raises CommandFailure."""
    spec = read_checked_policy(path)
    if spec.objective.per_class:
        raise CommandFailure(
            f"{named(path)}: objective.perClass judges each query class by its own requests, which this command cannot "
            "tell apart. Remove it and queryClasses here to ask about one class alone, with its margin and its "
            "requests."
        )
    return spec


def name_in(path: Path, manifest: dict[str, Any]) -> str:
    """The name of an object. Raises CommandFailure when it has none."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise CommandFailure(f"{named(path)}: metadata.name: write a name.")
    return name


def _parsed(path: Path, manifest: dict[str, Any]) -> PolicySpec:
    try:
        return spec_of(manifest)
    except Malformed as error:
        raise CommandFailure(f"{named(path)}: {error}") from None
