"""kubectl earlystop diff: the change to commit, so that what is in Git says what was promoted."""

from __future__ import annotations

import asyncio
from difflib import unified_diff
from pathlib import Path
from typing import Any

import typer
import yaml

from earlystop.api.policy import PolicySpec
from earlystop.api.status.policy import PolicyStatus
from earlystop.api.values import canonical_setting
from earlystop.cli.connection import read_object
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import STANDARD_INPUT, read_documents, read_text
from earlystop.cli.files.manifest_edit import applied, child, is_policy, loaded, policy_node, remove_items, set_values
from earlystop.cli.files.offline_check import problems_of
from earlystop.cli.files.yaml_values import as_yaml
from earlystop.cli.terminal import printable, say
from earlystop.controller.resources import POLICIES, Manifest


def print_change(policy: str, file: Path | None, namespace: str | None, context: str | None) -> None:
    """Print the change to commit after a promotion. Raises CommandFailure."""
    found = asyncio.run(read_object(POLICIES, namespace, context, policy))
    wanted = certified_values(found)
    if wanted is None:
        say(f"There is nothing to commit: {why_nothing(found)}", is_problem=True)
        return
    name = str(file) if file else f"{policy}.yaml"
    if file is not None:
        if file == STANDARD_INPUT:
            raise CommandFailure("Name a file with -f: the diff is of that, and standard input has no name.")
        read_documents(file)  # within bounds of size and depth
    before = read_text(file) if file else dumped(found)
    after, notes = changed(before, policy, wanted)
    path = name.removeprefix("/")  # as Git writes it, so that `patch -p1` takes it
    lines = unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    for line in lines:
        typer.echo(printable(line))
    for sentence in [*notes, *of_classes(found)]:
        say(sentence, colour="yellow", is_problem=True)
    if after == before:
        say("There is nothing to commit: the baseline is what was proven last.", is_problem=True)


def certified_values(found: Manifest) -> dict[str, str] | None:
    """Value of each parameter that was proven last; None where nothing is. Raises CommandFailure for a status that this
    release cannot read."""
    certified = (found.get("status") or {}).get("certified")
    if not certified:
        return None
    try:
        return {str(each["name"]): canonical_setting(str(each["value"])) for each in certified["values"]}
    except (KeyError, TypeError) as error:
        raise CommandFailure(f"status.certified cannot be read by this release ({error}).") from None


def why_nothing(found: Manifest) -> str:
    """Why a policy has nothing to commit, as the end of a sentence."""
    status = found.get("status") or {}
    phase = status.get("phase", "Pending")
    if (status.get("decision") or {}).get("reason") == "PromotedByPerson":
        return "a person promoted the setting, which proves nothing. Write the values yourself if you keep them."
    if phase in ("RollingBack", "RolledBack"):
        reason = (status.get("decision") or {}).get("reason", phase)
        return (
            f"the policy was rolled back ({reason}), so its baseline stays as it is. What was proven before is in its "
            "verdicts: kubectl get esv."
        )
    return f"nothing was proven yet; the policy's phase is {phase}."


def dumped(found: Manifest) -> str:
    """The policy of the cluster as people write one."""
    metadata = {key: found["metadata"][key] for key in ("name", "namespace") if key in found["metadata"]}
    shown = {"apiVersion": found.get("apiVersion"), "kind": "EarlyStopPolicy", "metadata": metadata}
    return as_yaml({**shown, "spec": found["spec"]})


def changed(text: str, policy: str, wanted: dict[str, str]) -> tuple[str, list[str]]:
    """The text with these values as the baseline and without the candidates that then equal it, and sentences on what
    is left to be done. Raises CommandFailure where the text has no such policy, or cannot be changed in place."""
    node = policy_node(text, policy)
    if node is None:
        raise CommandFailure(f"The file holds no EarlyStopPolicy {policy}, or more than one; name its file with -f.")
    spec = child(node, "spec")
    edits = set_values(text, child(child(spec, "baseline"), "values"), wanted)
    if not edits:
        return text, []
    same = _promoted_candidates(loaded(text, policy), wanted)
    candidates = child(spec, "candidates")
    number = len(candidates.value) if candidates is not None else 0
    if len(same) < number:
        edits += remove_items(text, candidates, same)
    after = applied(text, edits)
    manifest = _loaded_again(text, after, policy, wanted, same)
    notes = [f"As it stands then, the API server refuses it: {each}" for each in problems_of(manifest)]
    notes += _tried_otherwise(loaded(text, policy), manifest)
    if same and len(same) == number:
        notes.insert(0, "The promoted candidate is the only one: write the next one to try in its place.")
    return after, notes


def _loaded_again(before: str, after: str, policy: str, wanted: dict[str, str], gone: frozenset[str]) -> Manifest:
    """The policy in a text that was changed. Raises CommandFailure where anything else of the file has changed with it,
    as by anchors that values share."""
    refused = CommandFailure("The file cannot be changed in place, as with anchors; write the values by hand.")
    try:
        manifest: Manifest = loaded(after, policy)
        documents = [[*yaml.safe_load_all(text)] for text in (before, after)]
        if _baseline_of(manifest) != wanted:
            raise refused
    except (yaml.YAMLError, KeyError, TypeError):
        raise refused from None
    kept = [[_without_change(each, policy, gone) for each in found] for found in documents]
    if kept[0] != kept[1]:
        raise refused
    return manifest


def _tried_otherwise(before: Manifest, after: Manifest) -> list[str]:
    """A sentence for each candidate that means another setting from now on, since it takes over baseline values."""
    try:
        specs = [PolicySpec.model_validate(each["spec"]) for each in (before, after)]
    except (ValueError, KeyError, TypeError):
        return []  # what is wrong with it is told beside the diff
    old, new = ({each.name: spec.candidate_settings(each) for each in spec.candidates or ()} for spec in specs)
    return [
        f"Candidate {name} leaves {', '.join(changed)} to the baseline, so it has the new value from now on."
        for name in new
        if (changed := [key for key, value in new[name].items() if old.get(name, {}).get(key) != value])
    ]


def _without_change(document: Any, policy: str, gone: frozenset[str]) -> Any:
    """A document without what the change is about."""
    if not is_policy(document, policy):
        return document
    spec = dict(document["spec"])
    spec["baseline"] = {**spec["baseline"], "values": None}
    if spec.get("candidates"):
        spec["candidates"] = [each for each in spec["candidates"] if each.get("name") not in gone]
    return {**document, "spec": spec}


def _baseline_of(manifest: Manifest) -> dict[str, str]:
    values = manifest["spec"]["baseline"]["values"]
    return {str(each["name"]): canonical_setting(str(each["value"])) for each in values}


def _promoted_candidates(manifest: Manifest, wanted: dict[str, str]) -> frozenset[str]:
    """Names of the candidates whose setting is the one that was proven."""
    try:
        spec = PolicySpec.model_validate(manifest["spec"])
    except (ValueError, KeyError, TypeError):
        return frozenset()  # what is wrong with it is told beside the diff
    return frozenset(each.name for each in spec.candidates or () if spec.candidate_settings(each) == wanted)


def of_classes(found: Manifest) -> list[str]:
    """A sentence where query classes have settings of their own, which no baseline can say."""
    try:
        certified = PolicyStatus.model_validate(found.get("status") or {}).certified
    except ValueError:
        return []
    if certified is None or not certified.classes:
        return []
    return [
        "Query classes have settings of their own, which no baseline says: kubectl earlystop class-map prints the file "
        "for routers."
    ]
