"""Whether a record is written as the operator writes it: one fact has one form, so that nobody writes it in another.

What a record says is recomputed elsewhere (`verify`), from values; there 3, 3.0 and "3" are one number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from earlystop.api.json_once import read_any_json
from earlystop.api.look_table import TABLE
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.objective import Basis
from earlystop.rollout.guard.detector_packing import pack_detectors, unpack_detectors
from earlystop.rollout.guard.follow import guard_objective
from earlystop.rollout.guard.packing import pack_factors, unpack_factors
from earlystop.rollout.plan import LONGEST_ANSWER, parse_plan
from earlystop.rollout.stored.search_codec import restore_trials, trials_text

LOOKS = frozenset({TABLE, "looks", "columns"})
"""What has two forms by right, of this release and of earlier ones. Each is read strictly."""


CUT = frozenset({"message", "requestedBy"})
"""Texts that hold what others wrote, cut to a length."""
PEOPLE = frozenset({"approvedBy", "rejectedBy"})
"""Names of users as the API server has them, whatever their letters are."""


def form_differences(record: VerdictSpec, spec: Mapping[str, Any]) -> list[str]:
    """Where a record's spec has a value in another form than the operator's, one sentence."""
    written = record.model_dump(mode="json", by_alias=True, exclude_unset=True)
    packed = (*_plan(record), *_factors(record), *_checkpoint(record), *_trials(record))
    found = [*_differing(spec, written, "spec"), *_unprintable(spec, "spec"), *packed]
    if not found:
        return []
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return [f"{found[0]}{more} is not written as the operator writes it: the record was changed after it was made."]


def _differing(found: Any, written: Any, where: str) -> Iterator[str]:
    """Paths of what is not equal, or is of another type."""
    if isinstance(found, Mapping) and isinstance(written, Mapping):
        for name in found.keys() & written.keys() - LOOKS:
            yield from _differing(found[name], written[name], f"{where}.{name}")
    elif isinstance(found, list | tuple) and isinstance(written, list | tuple) and len(found) == len(written):
        for number, pair in enumerate(zip(found, written, strict=True)):
            yield from _differing(*pair, f"{where}[{number}]")
    elif type(found) is not type(written) or found != written:
        yield where


def _unprintable(found: Any, where: str) -> Iterator[str]:
    """Paths of texts with what no reader sees: marks without a width, blanks of other kinds, blanks at an end. The
    operator writes none but in names of people, and the message says who rejected; a table of looks has lines."""
    if isinstance(found, Mapping):
        if found.get("rejectedBy"):
            found = {**found, "message": str(found.get("message", "")).replace(str(found["rejectedBy"]), "")}
        for name, value in found.items():
            if name not in LOOKS | PEOPLE:
                yield from _unprintable(f"{value}." if name in CUT else value, f"{where}.{name}")
    elif isinstance(found, list | tuple):
        for number, value in enumerate(found):
            yield from _unprintable(value, f"{where}[{number}]")
    elif isinstance(found, str) and (found != found.strip() or not found.isprintable()):
        yield where


def _plan(record: VerdictSpec) -> Iterator[str]:
    """The plan's text is canonical JSON, and its numbers are numbers: 60.0, "60" and true are read as 60 and 1."""
    found = read_any_json(record.plan)
    if json.dumps(found, sort_keys=True, separators=(",", ":")) != record.plan:
        yield "spec.plan"
        return
    plan = parse_plan(record.plan)
    spec = plan.spec.model_dump(mode="json", by_alias=True)
    more = {"attempt": int(plan.attempt), "engine": int(found.get("engine", 1)), "used": plan.used._asdict()}
    trial = {"trial": plan.trial.wire()} if plan.trial is not None else {}
    more |= {} if plan.longest_answer is None else {LONGEST_ANSWER: int(plan.longest_answer)}
    yield from _of_other_types(found, {**spec, **spec["rollout"], **more, **trial}, "spec.plan")


def _of_other_types(found: Any, written: Any, where: str) -> Iterator[str]:
    """Paths of what is of another type. A number that may be a fraction may be written as a whole one."""
    if isinstance(found, Mapping) and isinstance(written, Mapping):
        for name in found.keys() & written.keys():
            yield from _of_other_types(found[name], written[name], f"{where}.{name}")
    elif isinstance(found, list | tuple) and isinstance(written, list | tuple):
        for number, pair in enumerate(zip(found, written, strict=False)):
            yield from _of_other_types(*pair, f"{where}[{number}]")
    elif type(found) is not type(written) and (type(found), type(written)) != (int, float):
        yield where


def _factors(record: VerdictSpec) -> Iterator[str]:
    if record.guard is None:
        return
    try:
        again = pack_factors(unpack_factors(record.guard.factors))
    except ValueError:
        return  # `guard.verify` says so
    if again != record.guard.factors:
        yield "spec.guard.factors"


def _checkpoint(record: VerdictSpec) -> Iterator[str]:
    if record.guard is None:
        return
    plan, guard = parse_plan(record.plan), record.guard
    objective = guard_objective(plan, float(record.dispersion) if record.dispersion else None, Basis(guard.evidence))
    try:
        again = pack_detectors(unpack_detectors(guard.checkpoint, objective), objective)
    except ValueError:
        return  # `guard.verify` says so
    if again != guard.checkpoint:
        yield "spec.guard.checkpoint"


def _trials(record: VerdictSpec) -> Iterator[str]:
    """Paths of a record's earlier trials whose numbers are not written as this release writes them."""
    if record.search is None:
        return
    earlier = record.search.earlier
    try:
        again = trials_text(restore_trials(earlier, [each.setting for each in earlier]))
    except ValueError:
        return  # `verify_search` says what cannot be read
    for number, pair in enumerate(zip(earlier, again, strict=True)):
        if pair[0] != pair[1]:
            yield f"spec.search.earlier[{number}]"
