"""kubectl earlystop history: what verdicts teach of each setting, and where that comes from."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.cli.connection import Context, Namespace, complete_name, list_objects, namespace_of, read_object
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import read_documents
from earlystop.cli.options import Form
from earlystop.cli.records import checkpoints_in
from earlystop.cli.screen.fitting import fitting_rows, said
from earlystop.cli.terminal import console, say
from earlystop.controller.resources import POLICIES, VERDICTS, Manifest
from earlystop.rollout.formatting import in_points
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.search.history import History, PastComparison, Subject, in_words, read_history
from earlystop.rollout.search.learned import Learned, LearnedSetting, learned_of
from earlystop.rollout.search.trial import Estimate

MOST_NAMED = 8
"""Policies that a sentence names."""


def command(
    policy: Annotated[
        str | None,
        typer.Argument(
            help="Policy whose parameters and baseline it is about; without it, all there are.",
            autocompletion=complete_name,
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file", "-f", help="File with EarlyStopVerdicts and the policy, in place of the cluster's. Repeatable."
        ),
    ] = None,
    also_from: Annotated[
        list[str] | None,
        typer.Option("--from", help="Another namespace whose verdicts count, which you may read. Repeatable."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="A screen for people, or JSON.")] = Form.SCREEN,
) -> None:
    """Show what verdicts teach of each setting."""
    spec, verdicts, checkpoints = (
        _in_files(file, policy) if file else asyncio.run(_in_cluster(policy, also_from or [], namespace, context))
    )
    removed, refused = links_of(checkpoints)
    history = read_history(None if spec is None else Subject.of(spec), verdicts, removed=removed)
    margin = None if spec is None else float(spec.objective.exact_match.margin)
    learned = learned_of(history.comparisons, margin)
    if output is Form.JSON:
        typer.echo(json.dumps(as_json(learned, history), indent=2))
        return
    for each in learned:
        console().print(table_of(each))
        say(where_from(each.comparisons))
    if not learned:
        say("No verdict teaches anything" + (f" about {policy}" if policy else "") + " yet.")
    for sentence in (*refused, *history.refused, *history.passed_over):
        say(sentence, colour="yellow")


Found = tuple[PolicySpec | None, list[Manifest], list[Manifest]]


def _in_files(files: Sequence[Path], policy: str | None) -> Found:
    """The policy, where one is named, the verdicts and the checkpoints. Raises CommandFailure where there are none."""
    found = [each for path in files for each in read_documents(path)]
    names, hold = " and ".join(map(str, files)), "holds" if len(files) == 1 else "hold"
    verdicts, checkpoints = (
        [each for each in found if each.get("kind") == kind] for kind in ("EarlyStopVerdict", "EarlyStopCheckpoint")
    )
    if not verdicts:
        raise CommandFailure(
            f"{names} {hold} no EarlyStopVerdict; save them by kubectl get esv -n llm -o yaml > verdicts.yaml."
        )
    if policy is None:
        return None, verdicts, checkpoints
    for each in found:
        if each.get("kind") == "EarlyStopPolicy" and (each.get("metadata") or {}).get("name") == policy:
            return _spec_of(each, policy), verdicts, checkpoints
    raise CommandFailure(f"{names} {hold} no EarlyStopPolicy {policy}; name a file with it, too, by another --file.")


async def _in_cluster(
    policy: str | None, also_from: Sequence[str], namespace: str | None, context: str | None
) -> Found:
    """The policy, where one is named, and the verdicts and checkpoints of its namespace and others.

    Raises CommandFailure.
    """
    own = namespace_of(namespace, context)
    spec = None if policy is None else _spec_of(await read_object(POLICIES, own, context, policy), policy)
    asked = dict.fromkeys((own, *(namespace_of(each, context) for each in also_from)))
    verdicts = [each for name in asked for each in await list_objects(VERDICTS, name, context)]
    return spec, verdicts, [each for name in asked for each in await checkpoints_in(name, context)]


def _spec_of(manifest: Mapping[str, Any], policy: str) -> PolicySpec:
    try:
        return PolicySpec.model_validate(manifest["spec"])
    except (ValueError, KeyError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"The policy {policy} is none that this release can read: {first}.") from None


def table_of(learned: Learned) -> RenderableType:
    """A row for each setting, the most careful first; a block for each where rows would be too long."""
    headings = ("VERDICTS", "PROMOTED", "ROLLED BACK", "UNDECIDED", "EM LOST", "TOKENS SAVED")
    margin = f"HOLDS {counted(in_points(learned.margin), 'POINT', 'POINTS')}"
    rows = []
    for each in learned.settings:
        setting, *cells = _cells(each, learned.subject.baseline)
        rows.append((setting, dict(zip((*headings, margin), cells, strict=True))))
    return Group(said(f"Against the baseline {in_words(learned.subject.baseline)}"), fitting_rows("SETTING", rows))


def _cells(row: LearnedSetting, baseline: Mapping[str, str]) -> tuple[str, ...]:
    changed = {name: value for name, value in row.values.items() if value != baseline.get(name)}
    return (
        in_words(changed or row.values),
        str(row.verdicts),
        str(row.promoted),
        str(row.rolled_back),
        str(row.undecided),
        "not known" if row.loss is None else f"{100 * row.loss.mean:+z.1f} ± {100 * row.loss.error:.1f}",
        "not known" if row.saving is None else f"{rounded_percent(row.saving.mean)} ± {100 * row.saving.error:.0f}",
        "not known" if row.holds is None else rounded_percent(row.holds),
    )


def where_from(comparisons: Sequence[PastComparison]) -> str:
    """Where a table comes from, and what it is good for, as sentences."""
    sources = Counter(
        (f"{each.namespace}/{each.policy}", f"{each.target.kind} {each.target.name}", each.verdict)
        for each in comparisons
    )
    by_policy = Counter((policy, target) for policy, target, _ in sources)
    clauses = [f"{counted(count, 'verdict')} of {policy} on {on}" for (policy, on), count in by_policy.items()]
    named = ", ".join(clauses[:MOST_NAMED]) + (
        f", and of {len(clauses) - MOST_NAMED} more" * (len(clauses) > MOST_NAMED)
    )
    asked = sum(each.by_person for each in comparisons)
    people = (
        f" {counted(asked, 'of them was', 'of them were')} asked for by people, whatever was proven." if asked else ""
    )
    return (
        f"From {named}.{people} Losses, in points of EM, and savings are what is likely of the next deployment, with "
        "one standard error. They say what a search tries first; they prove nothing."
    )


def as_json(learned: Sequence[Learned], history: History) -> dict[str, Any]:
    """All of it, for programs. Losses and savings are fractions."""
    return {
        "subjects": [
            {
                "parameters": [each.name for each in one.subject.parameters],
                "baseline": dict(one.subject.baseline),
                "margin": one.margin,
                "settings": [_json_row(row) for row in one.settings],
                "verdicts": sorted({f"{each.namespace}/{each.verdict}" for each in one.comparisons}),
            }
            for one in learned
        ],
        "refused": list(history.refused),
        "passedOver": list(history.passed_over),
    }


def _json_row(row: LearnedSetting) -> dict[str, Any]:
    return {
        "values": dict(row.values),
        "verdicts": row.verdicts,
        "promoted": row.promoted,
        "rolledBack": row.rolled_back,
        "undecided": row.undecided,
        "byPerson": row.by_person,
        "loss": _json_estimate(row.loss),
        "saving": _json_estimate(row.saving),
        "probabilityToHoldMargin": row.holds,
    }


def _json_estimate(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else {"mean": estimate.mean, "standardError": estimate.error}
