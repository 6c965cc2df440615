"""From a request's headers to the variant that it belongs to: pure, and wary, since clients can forge any header."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from earlystop.api.counts import Variant
from earlystop.api.wire import (
    PARAMETERS,
    POLICY,
    REVISION,
    SETTING,
    SHADOW,
    STEP,
    TOKEN,
    UNASSIGNED,
    VARIANT,
    commitment_in,
    is_signed,
)
from earlystop.demo.shadow import ShadowedWindow, read_shadows
from earlystop.demo.voting import MAXIMUM_WINDOW
from earlystop.exporter.assignment import Assignment, is_variant

PARAMETER = "window"

_STEP = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)
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


def placement_of(headers: CIMultiDictProxy[str], prefix: str, baseline_window: int) -> Placement:
    """Reads `<prefix>policy`, `revision`, `step`, `variant`, `token` and `param-window`, and `shadow` on the baseline.

    Without policy, revision, step, variant and window, with one of them there twice, or with a malformed step or
    variant, the request is unassigned and gets the baseline's window. So does one whose window is not among the names
    in `parameters`, where that is there: a client added it. And so does one without its revision's token: it did not
    come by the overlay. Policy and revision are judged by the exporter, which knows the label rules.
    """
    policy, revision, step, variant, token, window = (
        _single(headers, prefix + name) for name in (POLICY, REVISION, STEP, VARIANT, TOKEN, SETTING + PARAMETER)
    )
    if PARAMETER not in headers.get(prefix + PARAMETERS, PARAMETER).split(","):
        window = None
    if not (policy and revision and step and variant) or window is None:
        return unassigned(policy or UNASSIGNED, baseline_window)
    if not _STEP.fullmatch(step) or not is_variant(variant):
        return unassigned(policy, baseline_window)
    assignment = Assignment(policy, revision, int(step), variant, token=token or "")
    if assignment.is_forged:
        return Placement(assignment, baseline_window)
    shadows = read_shadows(headers.getall(prefix + SHADOW, ())) if variant == Variant.BASELINE else ()
    return Placement(assignment, _window(window), shadows)


def unassigned(policy: str, window: int | None) -> Placement:
    """The placement of a request that counts for no revision; the policy tells only whose route it came by."""
    return Placement(Assignment(policy, UNASSIGNED, 0, UNASSIGNED), window)


def _window(text: str) -> int | None:
    """A whole number from 1 to MAXIMUM_WINDOW without sign or leading zeros, else None."""
    return int(text) if _WINDOW.fullmatch(text) and int(text) <= MAXIMUM_WINDOW else None


def _single(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """The header's value, None when it is absent or there more than once: then no one knows which one holds."""
    values = headers.getall(name, ())
    return values[0] if len(values) == 1 else None


class Roster:
    """Decides which revisions may be counted, so that forged headers never push out one that is in use.

    The exporter makes room by evicting the revision not used for longest. Here a new revision has to wait until
    there is room, or until that oldest one has been idle for `idle_seconds`. Times are in seconds.
    """

    def __init__(self, places: int, idle_seconds: float) -> None:
        self._places = places
        self._idle_seconds = idle_seconds
        self._last_used: OrderedDict[tuple[str, str], float] = OrderedDict()  # the oldest use first

    def admit(self, revision: tuple[str, str], now: float, register: Callable[[], bool], is_use: bool = True) -> bool:
        """True when the revision (policy, revision) is counted; register: makes room in the exporter.

        is_use: False for a probe. The exporter orders revisions by counted requests, and both must agree.
        """
        if revision not in self._last_used and not self._has_room(now):
            return False
        if not register():
            return False
        if is_use or revision not in self._last_used:
            self._last_used[revision] = now
            self._last_used.move_to_end(revision)
        if len(self._last_used) > self._places:
            self._last_used.popitem(last=False)
        return True

    def _has_room(self, now: float) -> bool:
        if len(self._last_used) < self._places:
            return True
        oldest = next(iter(self._last_used.values()))
        return now - oldest >= self._idle_seconds
