"""kubectl earlystop validate: whether an API server would take the policies in files, and this release carry them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import typer

from earlystop.api.wire import AUTHOR_ANNOTATION, GROUP
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.files.careful_candidates import careful_notes
from earlystop.cli.files.documents import named, read_documents
from earlystop.cli.files.evaluators import evaluator_notes
from earlystop.cli.files.idle_fields import idle_notes
from earlystop.cli.files.limit_notes import limit_notes
from earlystop.cli.files.offline_check import problems_of
from earlystop.cli.files.words import closest, nearest, shown
from earlystop.cli.terminal import say

POLICY = "EarlyStopPolicy"
MOST_NAMED = 5
"""Objects that were not checked and are named; of more, their number is told."""
ALMOST_THE_SAME = 0.85
"""How like one of ours a kind of another group is that was probably meant as ours; others have an EventSource."""


@cache
def kinds() -> tuple[str, ...]:
    """Every kind that the operator's CustomResourceDefinitions define: there is no list here that could lag behind."""
    from earlystop.api.crds import (
        definitions,  # the schemas of all kinds, which a file of policies alone need not wait for
    )

    return tuple(crd["spec"]["names"]["kind"] for crd in definitions().values())


def validate_files(files: list[Path]) -> None:
    """Print what is wrong in files, each on a line.

    Raises CommandFailure, or typer.Exit with 1 where something is wrong.
    """
    problems, policies = 0, 0
    unchecked: list[str] = []
    for path in files:
        for manifest in read_documents(path):
            policies += manifest.get("kind") == POLICY
            unchecked += _unchecked(manifest)
            for problem in _problems(manifest):
                problems += 1
                say(f"{named(path)}: {_name(manifest)}: {problem}")
            for note in (*_notes(manifest), *idle_notes(manifest), *_spec_notes(manifest)):
                say(f"{named(path)}: {_name(manifest)}: {note}", colour="yellow")
    if problems:
        raise typer.Exit(FAILED)
    passed_over = _passed_over(unchecked)
    if not policies:
        raise CommandFailure(" ".join([f"There is no {POLICY} in {', '.join(map(named, files))}.", *passed_over]))
    valid, fits = ("1 policy is", "its route and MetricSource fit it")
    if policies > 1:
        valid, fits = f"{policies} policies are", "their routes and MetricSources fit them"
    typer.echo(f"{valid} valid. Whether {fits}, only the operator can say.")
    for sentence in passed_over:
        say(sentence)


def _problems(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with an object: with a policy, or with the kind of what was probably meant as one of ours."""
    kind = manifest.get("kind")
    if kind == POLICY:
        return problems_of(manifest)
    if not isinstance(kind, str) or not kind:
        return [f"kind: {shown(kind)} is no kind; write one, such as {POLICY}."]
    is_of_our_group = str(manifest.get("apiVersion")).partition("/")[0] == GROUP
    if kind not in kinds() and (is_of_our_group or closest(kind, kinds(), ALMOST_THE_SAME)):
        return [f"kind: {kind} is not known{nearest(kind, kinds())}."]
    return []


def _notes(manifest: dict[str, Any]) -> list[str]:
    """What an API server takes and does not do what its writer wants: no approval counts without a known author."""
    spec, metadata = manifest.get("spec"), manifest.get("metadata")
    if manifest.get("kind") != POLICY or not isinstance(spec, dict) or not isinstance(metadata, dict):
        return []
    approval, annotations = spec.get("approval"), metadata.get("annotations")
    asks_for_another = isinstance(approval, dict) and approval.get("notByAuthor") is True
    if not asks_for_another or (isinstance(annotations, dict) and annotations.get(AUTHOR_ANNOTATION)):
        return []
    return [
        f"spec.approval.notByAuthor: no approval counts while the author is not known; write the annotation "
        f"{AUTHOR_ANNOTATION} with your own name, as `kubectl auth whoami` says it."
    ]


def _spec_notes(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Which evaluators a policy needs, what its caps contradict, and which candidates stop later than its baseline."""
    if manifest.get("kind") != POLICY:
        return ()
    return (*evaluator_notes(manifest), *limit_notes(manifest), *careful_notes(manifest))


def _unchecked(manifest: dict[str, Any]) -> list[str]:
    """The object by kind and name where it is one of ours that no rule was asked about."""
    kind = manifest.get("kind")
    is_of_our_group = str(manifest.get("apiVersion")).partition("/")[0] == GROUP
    is_ours = kind != POLICY and is_of_our_group and kind in kinds()
    return [f"{kind} {_name(manifest)}"] if is_ours else []


def _passed_over(unchecked: list[str]) -> list[str]:
    """The sentence about objects of ours that were not checked; none without such."""
    if not unchecked:
        return []
    first = ", ".join(unchecked[:MOST_NAMED]) + (
        f" and {len(unchecked) - MOST_NAMED} more" if len(unchecked) > MOST_NAMED else ""
    )
    was = "was" if len(unchecked) == 1 else "were"
    return [f"{first} {was} not checked; kubectl apply --dry-run=server does that."]


def _name(manifest: dict[str, Any]) -> str:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return shown(name).strip('"') if isinstance(name, str) and name else "without a name"
