"""kubectl earlystop replay: a whole campaign once more, a line a look, and whether the same is decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from earlystop.api.plurals import counted
from earlystop.api.verdict import VerdictSpec
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.options import Form
from earlystop.cli.records import Record, one_named, records_named
from earlystop.cli.terminal import say
from earlystop.controller.resources import Manifest
from earlystop.evidence.engine import LogE
from earlystop.rollout.e_value_words import one_in
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.replayed import Replay, ReplayedLook, replay_campaign


def print_replay(
    name: str | None,
    file: Path | None,
    namespace: str | None,
    context: str | None,
    output: Form,
) -> None:
    """Print a line for each look of a campaign.

    Raises CommandFailure, or typer.Exit with 1 where something is wrong.
    """
    agreed = True
    chosen = one_named(name, file, "a verdict or a policy")
    for each in _chosen(chosen, records_named(chosen, namespace, context).values()):
        try:
            replay = replay_campaign(VerdictSpec.model_validate(each["spec"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandFailure(
                f"{_name(each)} is no verdict that this release can replay: {_first_problem(error)}."
            ) from None
        agreed = agreed and replay.agrees
        if output is Form.JSON:
            _print_json(each, replay)
        else:
            _print_lines(each, replay)
    if not agreed:
        raise typer.Exit(FAILED)


def _chosen(name: str, records: Iterable[Record]) -> list[Manifest]:
    """The verdict of this name, else all that were found, the earliest first. Raises CommandFailure where none was."""
    found: list[Manifest] = [each for record in records for each in record.verdicts]
    if not found:
        raise CommandFailure(f"{name} has no verdict to replay, which holds the looks of its campaign.")
    named = [each for each in found if _name(each) == name]
    return named or sorted(found, key=lambda each: str(_part(each, "spec").get("at", "")))


def _first_problem(error: Exception) -> str:
    """What is wrong with a record, and where; of several things the first."""
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, ('spec', *found['loc'])))}: {found['msg'].removeprefix('Value error, ')}"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _name(verdict: Manifest) -> str:
    return str(_part(verdict, "metadata").get("name", "(without a name)"))


def _part(verdict: Manifest, name: str) -> Mapping[str, Any]:
    """A part of an object, empty where a file holds something else than fields there."""
    found = verdict.get(name)
    return found if isinstance(found, Mapping) else {}


def _print_lines(verdict: Manifest, replay: Replay) -> None:
    for each in replay.looks:
        say(f"{_name(verdict)} {line_of(each)}")
    end = "The replay agrees." if replay.agrees else "The replay does not agree: see kubectl earlystop verify."
    say(f"{_name(verdict)}: {replay.sentence} {end}", colour="green" if replay.agrees else "red")


def line_of(look: ReplayedLook) -> str:
    """A look in one line."""
    log_e = look.log_e
    values = (
        f"keeps EM {one_in(log_e.promote)}, saves {one_in(log_e.tokens)}, harm {one_in(log_e.harm)}, "
        f"attrition {one_in(log_e.attrition)}"
    )
    shown = f"  harm is proven ({look.harm})" if look.harm else "  all is proven" if look.proven else ""
    return (
        f"{look.candidate} look {look.number}  {rfc3339(look.at)}  step {look.step + 1} at {look.weight} %  "
        f"{counted(look.requests, 'request')}  {values}  EM {look.effect}  saving {look.saving}{shown}"
    )


def _print_json(verdict: Manifest, replay: Replay) -> None:
    for each in replay.looks:
        row = {**asdict(each), "at": rfc3339(each.at), "log_e": _claims(each.log_e), "verdict": _name(verdict)}
        typer.echo(json.dumps(row))
    typer.echo(json.dumps({"verdict": _name(verdict), "agrees": replay.agrees, "sentence": replay.sentence}))


def _claims(log_e: LogE) -> dict[str, float]:
    return {
        "promote": log_e.promote,
        "harm": log_e.harm,
        "tokens": log_e.tokens,
        "sample_ratio": log_e.sample_ratio,
        "attrition": log_e.attrition,
        **{str(claim): value for claim, value in log_e.others},
    }
