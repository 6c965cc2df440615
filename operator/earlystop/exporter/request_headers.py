"""From a request's headers to how it is counted and which settings it gets: pure, and wary, since clients can forge
any header."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from earlystop.api import wire
from earlystop.exporter.assignment import Assignment, is_variant

MAX_NONCE = 128
"""Characters of a probe's nonce at most."""
_STEP = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What the headers of a request say.

    assignment: how it counts; without its revision's token it is kept, so that the exporter counts it as forged.
    settings: the values that the overlay set, by parameter; none for a request that counts for no policy's revision.
    """

    assignment: Assignment
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_assigned(self) -> bool:
        """False when the request counts for no policy's revision."""
        return self.assignment.revision != wire.UNASSIGNED and not self.assignment.is_forged

    def names(self, prefix: str) -> dict[str, str]:
        """Headers by which an answer says under what it was given, for an evaluator's question. Clients' answers have
        none of them."""
        told = self.assignment
        if not self.is_assigned:
            return {}
        words = {wire.REVISION: told.revision, wire.STEP: str(told.step), wire.VARIANT: told.variant}
        return {prefix + name: word for name, word in words.items()}

    def asks_engine(self, nonce: str) -> bool:
        """Whether a probe may go on to the engine: the campaign's overlay marked it, and its operator signed it. What a
        client makes up is neither, or its requests would leave the count."""
        told = self.assignment
        signed = bool(wire.commitment_in(told.revision)) and wire.is_signed(told.token, nonce)
        return self.is_assigned and signed and nonce.endswith(wire.IN_FORCE_MARK)

    def echo(self, nonce: str) -> str:
        """The answer to a probe. Only one that the operator made is told the revision and the variant; probes of a
        campaign of an earlier release are not signed."""
        told = self.assignment
        known = self.is_assigned and (not wire.commitment_in(told.revision) or wire.is_signed(told.token, nonce))
        revision, variant = (told.revision, told.variant) if known else (wire.UNASSIGNED, wire.UNASSIGNED)
        return f"{nonce};{revision};{variant}"


def probe_nonce(values: Sequence[str]) -> str | None:
    """The nonce of a probe, from all values of its header; None where it is none that may be repeated in an answer."""
    nonce = values[0] if len(values) == 1 else ""
    return nonce if 1 <= len(nonce) <= MAX_NONCE and nonce.isascii() and nonce.isprintable() else None


def assigned(
    values_of: Callable[[str], Sequence[str]], parameters: Sequence[str], prefix: str, user_header: str = ""
) -> Assigned:
    """Reads `<prefix>policy`, `revision`, `step`, `variant`, `token`, and `param-` of each of these parameters.

    values_of: all values of a header, in any case of letters, as `getall(name, ())` of a multidict gives them. A header
    that is there twice is as good as none. Parameters that `<prefix>parameters` does not name, where it is there, were
    added by a client. user_header: name of the header that says who asks, "" where none does; requests without it are
    one user's.
    """

    def single(name: str, before: str = prefix) -> str | None:
        values = values_of(before + name)
        return values[0] if len(values) == 1 else None

    policy, revision, step, variant = (single(name) for name in (wire.POLICY, wire.REVISION, wire.STEP, wire.VARIANT))
    if not (policy and revision and step and variant) or not _STEP.fullmatch(step) or not is_variant(variant):
        return Assigned(Assignment(policy or wire.UNASSIGNED, wire.UNASSIGNED, 0, wire.UNASSIGNED))
    user = (single(user_header, "") or "") if user_header else None
    assignment = Assignment(policy, revision, int(step), variant, token=single(wire.TOKEN) or "", user=user)
    if assignment.is_forged:
        return Assigned(assignment)
    named = values_of(prefix + wire.PARAMETERS)
    meant = [name for name in parameters if all(name in each.split(",") for each in named)]
    values = {name: single(wire.SETTING + name) for name in meant}
    return Assigned(assignment, {name: value for name, value in values.items() if value is not None})
