"""kubectl earlystop class-map: which setting is proven for each query class, as one file for routers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from earlystop.api.counts import Variant
from earlystop.api.verdict import VerdictSpec
from earlystop.cli.connection import list_objects, namespace_of
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import read_documents
from earlystop.cli.files.yaml_values import as_yaml
from earlystop.cli.options import MapForm
from earlystop.cli.records import checkpoints_in
from earlystop.cli.terminal import say
from earlystop.controller.resources import VERDICTS
from earlystop.rollout.decision import AFTER_PROMOTION, BY_CLASS
from earlystop.rollout.manual import ABORTED
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.search.verdict_chain import Chains, Link
from earlystop.rollout.verify.verdict import object_differences


@dataclass(frozen=True, slots=True)
class MappedClass:
    """What one class gets. name: of the class. header, value: by which its requests are told. candidate: whose setting
    it is, "baseline" where none is proven; effect, saving: of it in the class, as the verdict says them, "" for the
    baseline. values: of each parameter."""

    name: str
    header: str
    value: str
    candidate: str
    effect: str
    saving: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class ClassMap:
    """A map that a verdict proves. classes: in the order in which a router has to ask. baseline: values for all other
    requests. verdict, digest, at: of the verdict."""

    policy: str
    verdict: str
    digest: str
    at: str
    classes: tuple[MappedClass, ...]
    baseline: dict[str, str]


def class_map(policy: str, verdicts: Iterable[Mapping[str, Any]], removed: Iterable[Link] = ()) -> ClassMap | None:
    """The latest map that a verdict about a policy proves and nobody took back; None where there is none.

    verdicts: as objects, of any policies. removed: links of those that retention has removed. One counts that can be
    recomputed and whose chain is whole. Raises ValueError (pydantic's) where one about the policy is no verdict.
    """
    own = _about(policy, verdicts)
    chains = Chains([*removed, *map(Link.of, own)])
    records = [(str(each["metadata"]["name"]), VerdictSpec.model_validate(each["spec"]), each) for each in own]
    taken_back = {record.revision for _, record, _ in records if record.reason in (ABORTED, *AFTER_PROMOTION)}
    proven = [
        (name, record)
        for name, record, written in records
        if record.reason == BY_CLASS and record.revision not in taken_back
        if chains.problem_of(Link.of(written)) is None and not object_differences(dict(written))
    ]
    if not proven:
        return None
    name, record = max(proven, key=lambda each: each[1].at)
    plan = parse_plan(record.plan)
    return ClassMap(policy, name, record.digest, record.at, _classes(plan, record), plan.baseline_settings)


def later_end(found: ClassMap, verdicts: Iterable[Mapping[str, Any]]) -> str | None:
    """A sentence where a later campaign of the policy ended otherwise than with a map; None where none did."""
    later = [each for each in _about(found.policy, verdicts) if str(each["spec"].get("at", "")) > found.at]
    if not later:
        return None
    last = max(later, key=lambda each: str(each["spec"]["at"]))
    return (
        f"This map is of {found.at}. A later campaign of {found.policy} ended with the verdict "
        f"{last['metadata']['name']} ({last['spec'].get('decision')}, {last['spec'].get('reason')}), which proves no "
        "map: look at it before routers get this one."
    )


def _about(policy: str, verdicts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The objects that say that they are about a policy; what else is among them, this command need not read."""
    specs = ((each, each.get("spec")) for each in verdicts)
    return [each for each, spec in specs if isinstance(spec, Mapping) and spec.get("policy") == policy]


def _classes(plan: Plan, record: VerdictSpec) -> tuple[MappedClass, ...]:
    """Every class in the policy's order; one that keeps the baseline may come before another, so it is there too."""
    given = {each.query_class: each.candidate for each in record.class_map or ()}
    counted = {(each.query_class, each.candidate): each for each in record.classes or ()}
    found = []
    for each in plan.spec.objective.query_classes or ():
        assert each.match is not None  # the API server refuses a class without one
        candidate = given.get(each.name)
        own = None if candidate is None else counted[each.name, candidate]
        found.append(
            MappedClass(
                name=each.name,
                header=each.match.header,
                value=each.match.value,
                candidate=candidate or Variant.BASELINE.value,
                effect="" if own is None else own.effect,
                saving="" if own is None else own.saving,
                values=plan.baseline_settings if candidate is None else plan.settings_of(candidate),
            )
        )
    return tuple(found)


def print_class_map(
    policy: str,
    file: list[Path] | None,
    namespace: str | None,
    context: str | None,
    output: MapForm,
) -> None:
    """Print the proven setting of each query class. Raises CommandFailure."""
    if file:
        documents = [each for path in file for each in read_documents(path)]
        verdicts, checkpoints = (
            [each for each in documents if each.get("kind") == kind]
            for kind in ("EarlyStopVerdict", "EarlyStopCheckpoint")
        )
    else:
        chosen = namespace_of(namespace, context)
        verdicts = asyncio.run(list_objects(VERDICTS, chosen, context))
        checkpoints = asyncio.run(checkpoints_in(chosen, context))
    try:
        found = class_map(policy, verdicts, links_of(checkpoints)[0])
    except (ValueError, KeyError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"A verdict is none that this release can read: {first}.") from None
    if found is None:
        raise CommandFailure(
            f"No verdict about policy {policy} proves settings for query classes, with all verdicts before it. Write "
            "objective.perClass: true with queryClasses first, and name files with all verdicts of the policy; "
            "operator/docs/class-map.md shows how."
        )
    told = later_end(found, verdicts)
    if told is not None:
        say(told, colour="yellow", is_problem=True)
    content = asdict(found)
    content["classes"] = [dict(each) for each in content["classes"]]
    if output is MapForm.JSON:
        typer.echo(json.dumps(content, indent=2))
    else:
        typer.echo(as_yaml(content), nl=False)
