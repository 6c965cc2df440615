"""From a request's headers to the variant that it belongs to: pure, and wary, since clients can forge any header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from earlystop.api.counts import Variant
from earlystop.api.wire import SHADOW, UNASSIGNED, commitment_in, is_signed
from earlystop.demo.shadow import ShadowedWindow, read_shadows
from earlystop.demo.voting import MAXIMUM_WINDOW
from earlystop.exporter.assignment import Assignment
from earlystop.exporter.choice import Choice
from earlystop.exporter.request_headers import assigned

PARAMETER = "window"

_WINDOW = re.compile(r"[1-9][0-9]?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Placement:
    """How a request is counted and which window it gets, None when its window header is not valid.

    An invalid window is an error of the variant: to run another one under its name would be false evidence.
    shadows: what is to be judged beside it; none unless the baseline serves an assigned request.
    A request without its revision's token keeps its assignment, so that the exporter counts it as forged.
    """

    assignment: Assignment
    window: int | None
    shadows: tuple[ShadowedWindow, ...] = ()

    @property
    def is_assigned(self) -> bool:
        """False when the request counts for no policy's revision."""
        return self.assignment.revision != UNASSIGNED and not self.assignment.is_forged

    @property
    def told(self) -> Assignment:
        """What an answer says of it: nothing about a revision whose token the request has not."""
        return self.assignment if self.is_assigned else unassigned(self.assignment.policy, None).assignment

    def answers(self, nonce: str) -> bool:
        """Whether a probe with this nonce is told its revision and variant: only one that the operator made. Probes of
        a campaign of an earlier release are not signed."""
        assignment = self.assignment
        return not commitment_in(assignment.revision) or is_signed(assignment.token, nonce)


def placement_of(headers: CIMultiDictProxy[str], prefix: str, baseline_window: int, user_header: str = "") -> Placement:
    """Reads `<prefix>policy`, `revision`, `step`, `variant`, `token` and `param-window`, and `shadow` on the baseline.

    Without policy, revision, step, variant and window, with one of them there twice, or with a malformed step or
    variant, the request is unassigned and gets the baseline's window. So does one whose window is not among the names
    in `parameters`, where that is there: a client added it. And so does one without its revision's token: it did not
    come by the overlay. Policy and revision are judged by the exporter, which knows the label rules.

    user_header: name of the header that says who asks, "" where none does; requests without it are one user's.
    """
    found = assigned(lambda name: headers.getall(name, ()), (PARAMETER,), prefix, user_header)
    assignment, window = found.assignment, found.settings.get(PARAMETER)
    if assignment.is_forged:
        return Placement(assignment, baseline_window)
    if not found.is_assigned or window is None:
        return unassigned(assignment.policy, baseline_window)
    variant = assignment.variant
    shadows = read_shadows(headers.getall(prefix + SHADOW, ())) if variant == Variant.BASELINE else ()
    return Placement(assignment, _window(window), shadows)


def drawn_placement(choice: Choice, baseline_window: int) -> Placement:
    """The placement of a request whose variant this server drew by settings that it has read. Without a window there
    the server's own holds."""
    window = choice.values.get(PARAMETER)
    found = baseline_window if window is None else _window(window)
    return Placement(choice.assignment, found) if choice.is_assigned else unassigned(choice.assignment.policy, found)


def unassigned(policy: str, window: int | None) -> Placement:
    """The placement of a request that counts for no revision; the policy tells only whose route it came by."""
    return Placement(Assignment(policy, UNASSIGNED, 0, UNASSIGNED), window)


def _window(text: str) -> int | None:
    """A whole number from 1 to MAXIMUM_WINDOW without sign or leading zeros, else None."""
    return int(text) if _WINDOW.fullmatch(text) and int(text) <= MAXIMUM_WINDOW else None
