"""From a request's headers to the variant that it belongs to: pure, and wary, since clients can forge any header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDictProxy

from earlystop.api.counts import Variant
from earlystop.api.wire import PARAMETERS, UNASSIGNED, commitment_in, is_signed, shadow_header
from earlystop.demo.knobs import KNOBS, invalid_knob, stop_rule
from earlystop.demo.shadow import ShadowedRule, read_shadows
from earlystop.demo.voting import StopRule
from earlystop.exporter.assignment import Assignment
from earlystop.exporter.choice import Choice
from earlystop.exporter.request_headers import assigned


@dataclass(frozen=True, slots=True)
class Placement:
    """How a request is counted and by which rule it is answered, None when a value of its setting is not valid.

    An invalid value is an error of the variant: to run another one under its name would be false evidence.
    shadows: what is to be judged beside it; none unless the baseline serves an assigned request. values: the setting as
    it was given, by parameter.
    A request without its revision's token keeps its assignment, so that the exporter counts it as forged.
    """

    assignment: Assignment
    rule: StopRule | None
    shadows: tuple[ShadowedRule, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_assigned(self) -> bool:
        """False when the request counts for no policy's revision."""
        return self.assignment.revision != UNASSIGNED and not self.assignment.is_forged

    @property
    def echoed(self) -> Assignment:
        """The assignment as an answer repeats it: without the revision, where the request lacks its token."""
        return self.assignment if self.is_assigned else unassigned(self.assignment.policy, None).assignment

    @property
    def invalid(self) -> str:
        """Name of the first parameter whose value is not valid; "" where all are."""
        return invalid_knob(self.values) or ""

    def answers(self, nonce: str) -> bool:
        """Whether a probe with this nonce is told its revision and variant: only one that the operator made. Probes of
        a campaign of an earlier release are not signed."""
        assignment = self.assignment
        return not commitment_in(assignment.revision) or is_signed(assignment.token, nonce)


def placement_of(headers: CIMultiDictProxy[str], prefix: str, baseline: StopRule, user_header: str = "") -> Placement:
    """Reads `<prefix>policy`, `revision`, `step`, `variant`, `token` and `param-` of each of `KNOBS`, and `shadow` on
    the baseline. What a setting leaves out is the server's own.

    Without policy, revision, step, variant and any parameter, with one of them there twice, or with a malformed step or
    variant, the request is unassigned and gets the baseline's rule. So does one that lacks a parameter which
    `parameters` names, and one whose parameters are not among the names there: a client added them. And so does one
    without its revision's token: it did not come by the overlay. Policy and revision are judged by the exporter, which
    knows the label rules.

    baseline: the server's own rule. user_header: name of the header that says who asks, "" where none does; requests
    without it are one user's.
    """
    found = assigned(lambda name: headers.getall(name, ()), tuple(KNOBS), prefix, user_header)
    assignment, values = found.assignment, found.settings
    if assignment.is_forged:
        return Placement(assignment, baseline)
    named = {name for line in headers.getall(prefix + PARAMETERS, ()) for name in line.split(",")}
    if not found.is_assigned or not values or any(name in named and name not in values for name in KNOBS):
        return unassigned(assignment.policy, baseline)
    rule = stop_rule(values, baseline)
    shadows: tuple[ShadowedRule, ...] = ()
    if assignment.variant == Variant.BASELINE and rule is not None:
        shadows = read_shadows(_shadow_lines(headers, prefix), rule)
    return Placement(assignment, rule, shadows, values)


def _shadow_lines(headers: CIMultiDictProxy[str], prefix: str) -> list[str]:
    """The lines of the header of shadows. Where its value ends in a comma, the list goes on in the next header of that
    name, with which it is one line; headers that are not led to so were added by a client."""
    lines, number = list(headers.getall(shadow_header(prefix), ())), 1
    while len(lines) == 1 and lines[0].endswith(","):
        number += 1
        following = headers.getall(shadow_header(prefix, number), ())
        if len(following) != 1:
            return []
        lines = [f"{lines[0]} {following[0]}"]
    return lines


def drawn_placement(choice: Choice, baseline: StopRule) -> Placement:
    """The placement of a request whose variant this server drew by settings that it has read. A parameter that is not
    there keeps the server's own value."""
    values = {name: value for name, value in choice.values.items() if name in KNOBS}
    rule = stop_rule(values, baseline)
    if choice.is_assigned:
        return Placement(choice.assignment, rule, values=values)
    return Placement(unassigned(choice.assignment.policy, rule).assignment, rule, values=values)


def unassigned(policy: str, rule: StopRule | None) -> Placement:
    """The placement of a request that counts for no revision; the policy tells only whose route it came by."""
    return Placement(Assignment(policy, UNASSIGNED, 0, UNASSIGNED), rule)
