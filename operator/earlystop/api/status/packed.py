"""The packed part of a policy's status: what the operator goes on from, and nobody reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from earlystop.api.values import Value
from earlystop.api.wire import PACKED_LIMIT

# Ledger and looks stay below this limit together; the operator refuses policies that would need more.
Packed = Annotated[str, Field(max_length=PACKED_LIMIT)]
# Twice 16 counts and ten times 4, of at most 2^63, for each of ten candidates; and twice 16 for each of 200.
Mark = Annotated[str, Field(max_length=PACKED_LIMIT)]
Scatter = Annotated[str, Field(max_length=128)]
# The API server takes out of a status what its schema does not name, and a restarted operator could not go on.
Former = Annotated[
    str | None,
    Field(max_length=PACKED_LIMIT, description="Where earlier releases kept internal's field of this name; read once."),
]


class Internal(Value):
    """Packed texts; `kubectl earlystop status` shows what is in them."""

    ledger: Packed | None = Field(
        None,
        description="Largest value seen of each series of this step, packed; its last sample with preset Custom.",
    )
    mark: Mark | None = Field(None, description="Totals of this step at its last look that was evidence, packed.")
    scatter: Scatter | None = Field(None, description="What looks of the baseline alone have shown, packed.")
    looks: Packed | None = Field(None, description="Increments of every look that was evidence, packed.")
    class_looks: Packed | None = Field(
        None, description="The same of each query class's requests alone, with objective.perClass, packed."
    )
    class_mark: Mark | None = Field(
        None, description="As mark, of each query class's requests alone, with objective.perClass, packed."
    )
    recorded: Annotated[int, Field(ge=1, le=99)] | None = Field(
        None,
        description="Number of the decision whose EarlyStopVerdict alone holds the looks. Absent: they stand here.",
    )
    rest: Packed | None = Field(
        None,
        description="All that is not shown of a promoted policy under guard, packed. Absent: every field stands where "
        "it is described.",
    )


PACKED_FIELDS = ("ledger", "mark", "scatter", "looks", "classLooks", "classMark")
"""Names of the parts of `internal` in JSON, which stood beside it before."""


def in_both_layouts(status: dict[str, Any]) -> dict[str, Any]:
    """A status in JSON whose packed fields stand where earlier releases kept them, too."""
    moved = with_internal(status)
    internal = moved.get("internal", {})
    return {**moved, **{name: internal[name] for name in PACKED_FIELDS if name in internal}}


def with_internal(status: dict[str, Any]) -> dict[str, Any]:
    """A status in JSON with its packed fields under `internal`, where earlier releases kept them beside the others."""
    former = {name: status[name] for name in PACKED_FIELDS if name in status}
    if not former:
        return status
    kept = {name: value for name, value in status.items() if name not in former}
    return {**kept, "internal": {**former, **(status.get("internal") or {})}}
