"""kubectl earlystop effort-map: which thinking budget is proven for each effort that clients ask for, by engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from earlystop.api.body_knobs import EFFORTS, KNOBS, Api, Engine, Knob
from earlystop.api.parameters import Parameter
from earlystop.api.verdict import VerdictSpec
from earlystop.cli.connection import list_objects
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import named, read_documents
from earlystop.cli.terminal import console, say
from earlystop.controller.resources import VERDICTS
from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Verdict
from earlystop.rollout.verify.verdict import object_differences

EFFORT_FIELDS = ("reasoning_effort", "reasoning.effort", "chat_template_kwargs.reasoning_effort")
"""Where clients write an effort."""


@dataclass(frozen=True, slots=True)
class CertifiedBudget:
    """A budget that a verdict proves for one effort. policy: its name. effect, saving: as the verdict says them."""

    policy: str
    effort: str
    budget: int
    verdict: str
    at: str
    effect: str
    saving: str


def effort_map(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, CertifiedBudget]:
    """The latest budget that is proven for each effort, the least effort first.

    verdicts: as objects, of one policy. One counts that is by evidence and can be recomputed, for a budget that it
    changes, unless a guard has found harm after it, or what it was certified on has changed. Raises ValueError
    (pydantic's) for an object that is no verdict.
    """
    found: dict[str, CertifiedBudget] = {}
    verdicts = sorted(verdicts, key=lambda each: str(each["spec"]["at"]))
    taken_back = {each["spec"].get("revision") for each in verdicts if each["spec"].get("reason") in AFTER_PROMOTION}
    for verdict in verdicts:
        if verdict["spec"].get("revision") in taken_back:
            continue
        for each in _certified(verdict):
            found[each.effort] = each
    return {effort: found[effort] for effort in EFFORTS if effort in found}


def _certified(verdict: Mapping[str, Any]) -> list[CertifiedBudget]:
    record = VerdictSpec.model_validate(verdict["spec"])
    if record.decision not in (Verdict.PROMOTE, Verdict.RECOMMEND) or record.requested_by is not None:
        return []
    plan = parse_plan(record.plan)
    efforts = {each.name: effort for each in plan.spec.parameters if (effort := effort_of(each)) is not None}
    before, proven = plan.baseline_settings, plan.settings_of(record.candidate)
    changed = [name for name in efforts if name in proven and proven[name] != before.get(name)]
    # Of several budgets that changed at once nobody knows what each does, but all of them together are proven.
    if not changed or object_differences(dict(verdict)):
        return []
    name = verdict["metadata"]["name"]
    return [
        CertifiedBudget(
            policy=record.policy,
            effort=efforts[each],
            budget=int(proven[each]),
            verdict=name,
            at=record.at,
            effect=record.effect,
            saving=record.saving,
        )
        for each in changed
    ]


def effort_of(parameter: Parameter) -> str | None:
    """The effort that a parameter is the thinking budget for; None for any other parameter."""
    body = parameter.body
    if body is None or body.knob is not Knob.THINKING_BUDGET or body.where is None:
        return None
    return body.where.value if body.where.path in EFFORT_FIELDS and body.where.value in EFFORTS else None


def fields_for(engine: Engine, budget: int) -> dict[str, Any] | None:
    """The fields of a chat completion that set a budget, None for an engine that has none there."""
    knob = KNOBS[engine].get(Knob.THINKING_BUDGET)
    fields = () if knob is None else knob.fields.get(Api.CHAT_COMPLETIONS, ())
    if not fields:
        return None
    written: Any = budget
    for key in reversed(fields[0].path):
        written = {key: written}
    return dict(written)


def of_one_policy(verdicts: Sequence[Mapping[str, Any]], policy: str | None) -> dict[str, CertifiedBudget]:
    """The map of a policy, or of the only one whose verdicts prove budgets. Raises CommandFailure where several do and
    none is named: what one of them serves is no proof of the other; ValueError, KeyError or TypeError as `effort_map`.
    """
    by_policy: dict[str, list[Mapping[str, Any]]] = {}
    for each in verdicts:
        by_policy.setdefault(str(each["spec"]["policy"]), []).append(each)
    wanted = by_policy if policy is None else {policy: by_policy.get(policy, [])}
    maps = {name: found for name, own in sorted(wanted.items()) if (found := effort_map(own))}
    if len(maps) > 1:
        raise CommandFailure(
            f"Verdicts of several policies prove budgets for efforts: {', '.join(maps)}. Each is about its own "
            f"workload, so name one, as in effort-map {next(iter(maps))}."
        )
    return next(iter(maps.values()), {})


def print_effort_map(
    policy: str | None,
    file: list[Path] | None,
    namespace: str | None,
    context: str | None,
    as_json: bool,
) -> None:
    """Print the proven thinking budget of each effort. Raises CommandFailure."""
    if file:
        verdicts = [each for path in file for each in _verdicts_in(path)]
    else:
        verdicts = asyncio.run(list_objects(VERDICTS, namespace, context))
    try:
        found = of_one_policy(verdicts, policy)
    except (ValueError, KeyError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"A verdict is none that this release can read: {first}.") from None
    if not found:
        whose = "" if policy is None else f" of policy {policy}"
        raise CommandFailure(
            f"No verdict{whose} proves a budget for an effort. Try a parameter with body: {{knob: ThinkingBudget, "
            "where: {path: reasoning_effort, value: low}} first; operator/docs/effort-map.md shows how."
        )
    if as_json:
        typer.echo(json.dumps(by_engine(found), indent=2))
        return
    console().print(_table(found))
    for engine, efforts in by_engine(found).items():
        say(f"{engine}, fields of /v1/chat/completions where the client wrote no budget of its own:")
        for effort, fields in efforts.items():
            say(f"  {effort}: {json.dumps(fields)}")


def _verdicts_in(path: Path) -> list[dict[str, Any]]:
    """The verdicts in a file, whatever else it holds. Raises CommandFailure where it holds none."""
    found = [each for each in read_documents(path) if each.get("kind") == "EarlyStopVerdict"]
    if not found:
        raise CommandFailure(
            f"{named(path)} holds no EarlyStopVerdict; save them by kubectl get esv -n llm -o yaml > verdicts.yaml."
        )
    return found


def by_engine(found: Mapping[str, CertifiedBudget]) -> dict[str, dict[str, Any]]:
    """The fields for each effort, for each engine that has a budget on chat completions."""
    return {
        engine.value: {effort: fields_for(engine, each.budget) for effort, each in found.items()}
        for engine in Engine
        if fields_for(engine, 0) is not None
    }


def _table(found: Mapping[str, CertifiedBudget]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("POLICY", "EFFORT", "BUDGET", "EM", "TOKENS SAVED", "VERDICT", "AT"):
        table.add_column(title)
    for each in found.values():
        table.add_row(each.policy, each.effort, str(each.budget), each.effect, each.saving, each.verdict, each.at)
    return table
