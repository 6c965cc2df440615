"""Policies and verdicts from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import ValidationError

from earlystop.api.policy import PolicySpec
from earlystop.rollout.unsupported import unbuilt

LARGEST_FILE = 8 * 2**20


def read_manifest(path: Path, kind: str) -> dict[str, Any]:
    """The one object of a kind in a YAML or JSON file. Raises typer.BadParameter with a sentence for a person."""
    if path.stat().st_size > LARGEST_FILE:
        raise typer.BadParameter(f"{path} has more than {LARGEST_FILE // 2**20} MiB")
    try:
        found = [each for each in yaml.safe_load_all(path.read_text()) if isinstance(each, dict)]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} is no YAML: {error}") from None
    wanted = [each for each in found if each.get("kind") == kind]
    if len(wanted) != 1:
        raise typer.BadParameter(f"{path} holds {len(wanted)} objects of kind {kind}; write just one")
    return wanted[0]


def read_policy(path: Path) -> PolicySpec:
    """The spec of the one EarlyStopPolicy in a file. The rules that only the API server knows are not checked."""
    manifest = read_manifest(path, "EarlyStopPolicy")
    try:
        return PolicySpec.model_validate(manifest.get("spec"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise typer.BadParameter(f"{path}: spec.{where}: {first['msg']}") from None


def read_built_policy(path: Path) -> PolicySpec:
    """As `read_policy`, for a policy that this release can carry out."""
    spec = read_policy(path)
    refusal = unbuilt(spec)
    if refusal is not None:
        raise typer.BadParameter(f"{path}: {refusal.message}")
    return spec
