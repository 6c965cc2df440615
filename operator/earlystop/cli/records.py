"""Verdicts, checkpoints and policies that commands about the record read: from the cluster, or from files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from earlystop.cli.connection import NO_API, connected, explained, is_object, namespace_of
from earlystop.cli.failure import CommandFailure, sentence
from earlystop.cli.files.documents import STANDARD_INPUT, read_documents
from earlystop.cli.files.metadata_check import NAME
from earlystop.controller.cluster_errors import ClusterError, NotFound
from earlystop.controller.resources import CHECKPOINTS, POLICIES, VERDICTS, Key, Manifest, Resource

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster

FILES = (".yaml", ".yml", ".json")
FIELDS = {"EarlyStopVerdict": "verdicts", "EarlyStopCheckpoint": "checkpoints", "EarlyStopPolicy": "policies"}


@dataclass(slots=True)
class Record:
    """What is there of the policies of one name."""

    verdicts: list[Manifest] = field(default_factory=list)
    checkpoints: list[Manifest] = field(default_factory=list)
    policies: list[Manifest] = field(default_factory=list)


def records_in_files(paths: Iterable[Path]) -> dict[Key, Record]:
    """What files hold, by policy. Raises CommandFailure where they hold neither verdicts nor checkpoints."""
    named = list(paths)
    found = [each for path in named for each in read_documents(path)]
    records: dict[Key, Record] = {}
    for kind in FIELDS:
        _sort_in(records, kind, (each for each in found if each.get("kind") == kind))
    if not any(each.verdicts or each.checkpoints for each in records.values()):
        raise CommandFailure(
            f"{' and '.join(map(str, named))} {'holds' if len(named) == 1 else 'hold'} no EarlyStopVerdict; save them "
            "by kubectl get esv,earlystopcheckpoints -n llm -o yaml > record.yaml."
        )
    return records


async def records_in_cluster(
    namespace: str | None, context: str | None, policy: str | None = None
) -> dict[Key, Record]:
    """What a namespace holds, or all of them for None, by policy; of one policy alone where it is named.

    Raises CommandFailure.
    """
    records: dict[Key, Record] = {}
    async with connected(context) as cluster:
        # In the order in which none tells of what was not there yet: a verdict is stored before a status tells of it,
        # and a checkpoint is before the verdicts that it names are removed.
        for kind, resource in (
            ("EarlyStopPolicy", POLICIES),
            ("EarlyStopVerdict", VERDICTS),
            ("EarlyStopCheckpoint", CHECKPOINTS),
        ):
            found = await _listed(cluster, resource, namespace, lambda name: policy is None or name == policy)
            _sort_in(records, kind, found)
    return records


def is_file(name: str) -> bool:
    """Whether an argument is the path of a file, and no name in the cluster."""
    return os.sep in name or name.endswith(FILES) or Path(name) == STANDARD_INPUT


@contextmanager
def offering_files(*names: str) -> Iterator[None]:
    """What fails within says how to name a file, where one of the names in the cluster is that of a file here, or can
    be no other. Raises CommandFailure as what is within."""
    try:
        yield
    except CommandFailure as failure:
        meant = [each for each in names if not NAME.fullmatch(each) or Path(each).is_file()]
        if not meant:
            raise
        path = f"{os.curdir}{os.sep}{meant[0]}"
        raise CommandFailure(f"{sentence(failure.message)} If a file is meant, write {path}.") from None


def named_by(names: Sequence[str], file: Path | None) -> list[str]:
    """What a command was told to read: its arguments, and that of --file as one that `is_file` takes for a file."""
    if file is None:
        return list(names)
    path = str(file)
    return [*names, path if is_file(path) else f"{os.curdir}{os.sep}{path}"]


def one_named(name: str | None, file: Path | None, what: str) -> str:
    """The one thing that a command is about, by its argument or --file. Raises typer.BadParameter."""
    names = named_by([] if name is None else [name], file)
    if len(names) != 1:
        raise typer.BadParameter(f"Name {what}, or write --file FILE in place of a name.")
    return names[0]


def read_records(
    names: Sequence[str], namespace: str | None, context: str | None, *, everywhere: bool = False
) -> dict[Key, Record]:
    """The records of one policy that is named, of files, or of all policies of a namespace. Raises CommandFailure."""
    if names and all(map(is_file, names)):
        return records_in_files(map(Path, names))
    if len(names) > 1:
        raise CommandFailure("Name one policy, or files alone: a file's name has a slash, or ends in .yaml or .json.")
    with offering_files(*names):
        chosen = None if everywhere else namespace_of(namespace, context)
        found = asyncio.run(records_in_cluster(chosen, context, names[0] if names else None))
        _ensure_some(found, names, chosen)
    return found


def _ensure_some(found: dict[Key, Record], names: Sequence[str], chosen: str | None) -> None:
    """Raise CommandFailure where no verdict and no checkpoint was found. chosen: a namespace, None for all."""
    if not any(each.verdicts or each.checkpoints for each in found.values()):
        where = "any namespace" if chosen is None else f"namespace {chosen}"
        whose = f"policy {names[0]}" if names else "any policy"
        shows = "`kubectl earlystop get` shows where policies stand, of another namespace with --namespace"
        raise CommandFailure(f"There is no verdict of {whose} in {where}; {shows}.")


def records_named(name: str, namespace: str | None, context: str | None) -> dict[Key, Record]:
    """The record that a verdict of this name is of, else that of a policy of this name, else what a file holds. Raises
    CommandFailure."""
    if is_file(name):
        return records_in_files([Path(name)])
    with offering_files(name):
        found = asyncio.run(_verdict_or_none(name, namespace_of(namespace, context), context))
    if found is None:
        return read_records([name], namespace, context)
    key = str(found["metadata"].get("namespace", "")), str(found["spec"].get("policy", ""))
    return {key: Record(verdicts=[found])}


async def _verdict_or_none(name: str, namespace: str, context: str | None) -> Manifest | None:
    async with connected(context) as cluster:
        try:
            found = await cluster.get(VERDICTS, namespace, name)
        except ClusterError as error:
            raise CommandFailure(explained(error, "get", namespace, VERDICTS)) from None
        except ValueError:
            raise CommandFailure(NO_API) from None
    if found is not None and not is_object(found, VERDICTS):
        raise CommandFailure(NO_API)
    return found


async def checkpoints_in(namespace: str, context: str | None) -> list[Manifest]:
    """The checkpoints of a namespace. Raises CommandFailure."""
    async with connected(context) as cluster:
        return list(await _listed(cluster, CHECKPOINTS, namespace, lambda _: True))


async def _listed(
    cluster: Cluster, resource: Resource, namespace: str | None, is_wanted: Callable[[str], bool]
) -> Sequence[Manifest]:
    try:
        pages = cluster.pages(resource, namespace)
        return [each async for page in pages for each in page if is_wanted(_policy_of(resource, each))]
    except NotFound as error:
        if resource == CHECKPOINTS:
            return []  # the cluster's operator is of an earlier release
        raise CommandFailure(explained(error, "list", namespace or "(all)", resource)) from None
    except ClusterError as error:
        raise CommandFailure(explained(error, "list", namespace or "(all)", resource)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandFailure(NO_API) from None


def _policy_of(resource: Resource, manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"] if resource == POLICIES else manifest["spec"].get("policy"))


def _sort_in(records: dict[Key, Record], kind: str, found: Iterable[Manifest]) -> None:
    """Sort objects of one kind to the policy that they are about. What tells of none is about the policy ""."""
    for each in found:
        metadata = each.get("metadata") if isinstance(each.get("metadata"), dict) else {}
        spec = each.get("spec") if isinstance(each.get("spec"), dict) else {}
        assert metadata is not None and spec is not None  # by the lines above
        name = metadata.get("name") if kind == "EarlyStopPolicy" else spec.get("policy")
        record = records.setdefault((str(metadata.get("namespace", "")), str(name or "")), Record())
        getattr(record, FIELDS[kind]).append(each)
