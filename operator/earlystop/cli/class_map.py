"""kubectl earlystop class-map: which setting is proven for each query class, as one file for routers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from earlystop.api.counts import Variant
from earlystop.api.verdict import VerdictSpec
from earlystop.cli.connection import Context, Namespace, PolicyName, list_objects, namespace_of
from earlystop.cli.documents import read_documents
from earlystop.cli.failure import CommandFailure
from earlystop.controller.cluster import VERDICTS
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.manual import ABORTED
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.verify import object_differences


class Format(StrEnum):
    """How the file is written."""

    YAML = "yaml"
    JSON = "json"


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


def class_map(policy: str, verdicts: Iterable[Mapping[str, Any]]) -> ClassMap | None:
    """The latest map that a verdict about a policy proves and nobody took back; None where there is none.

    verdicts: as objects, of any policies. One counts that can be recomputed. Raises ValueError (pydantic's) for an
    object that is no verdict.
    """
    records = [(str(each["metadata"]["name"]), VerdictSpec.model_validate(each["spec"]), each) for each in verdicts]
    own = [each for each in records if each[1].policy == policy]
    aborted = {record.revision for _, record, _ in own if record.reason == ABORTED}
    proven = [
        (name, record)
        for name, record, written in own
        if record.reason == BY_CLASS and record.revision not in aborted and not object_differences(dict(written))
    ]
    if not proven:
        return None
    name, record = max(proven, key=lambda each: each[1].at)
    plan = parse_plan(record.plan)
    return ClassMap(policy, name, record.digest, record.at, _classes(plan, record), plan.baseline_settings)


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


def command(
    policy: PolicyName,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="File with EarlyStopVerdicts, in place of the cluster's. May be repeated."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="How the file is written.")] = Format.YAML,
) -> None:
    """Print the proven setting of each query class, as one file for routers."""
    if file:
        verdicts = [each for path in file for each in read_documents(path) if each.get("kind") == "EarlyStopVerdict"]
    else:
        verdicts = asyncio.run(list_objects(VERDICTS, namespace_of(namespace, context), context))
    try:
        found = class_map(policy, verdicts)
    except (ValueError, KeyError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"a verdict is none that this release can read: {first}.") from None
    if found is None:
        raise CommandFailure(
            f"no verdict about policy {policy} proves settings for query classes. Write objective.perClass: true with "
            "queryClasses first; operator/docs/class-map.md shows how."
        )
    content = asdict(found)
    content["classes"] = [dict(each) for each in content["classes"]]
    if output is Format.JSON:
        typer.echo(json.dumps(content, indent=2))
    else:
        typer.echo(yaml.safe_dump(content, sort_keys=False), nl=False)
