"""How it is proven that a split is in force: by probes through a gateway, by the counts of its step, or by what each
process reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.wire import IN_FORCE_MARK
from earlystop.delivery.inputs import Manifest


class Proof(StrEnum):
    """What probes showed of a split."""

    IN_FORCE = "InForce"
    NOT_YET = "NotYet"
    STALE = "Stale"
    """Answers, but not of this overlay: of one before it, or of a gateway that does not set its headers."""
    WRONG = "Wrong"
    """Answers of this very overlay that it does not allow."""
    UNSUPPORTED = "ProbeUnsupported"
    UNREACHABLE = "GatewayUnreachable"
    UNTRUSTED = "GatewayNotTrusted"
    """No TLS connection came about that the policy's trust allows."""
    SLOW = "ProbesTooSlow"
    """All answers were right, and too slow to send as many probes as a proof takes."""
    CANDIDATE_FAILS = "CandidateNotServed"
    """Of probes that can each reach one variant only, those of a candidate or of the incumbent did not come to the
    server, and those of the baseline did."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probes showed, and a sentence about it."""

    proof: Proof
    message: str


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Where a probe can be sent, and what must come back.

    url: with the address of the Gateway. host: the Host header, and the name that a TLS connection asks for, None where
        any will do. headers: those that the overlay's rule asks for.
    revision, weights: what the server must echo; each variant with a weight above 0 must answer, and no other.
    trust: which certificates are accepted, as `api.delivery.ProbeSettings` has it.
    mark: what the rule adds to the nonce, "" for a rule that leaves it as it is.
    reads_bodies: whether the gateway reads bodies on the way, so that only a whole request gets through.
    """

    url: str
    host: str | None
    nonce: str
    headers: tuple[tuple[str, str], ...]
    revision: str
    weights: tuple[tuple[str, int], ...]
    trust: str = "Any"
    mark: str = IN_FORCE_MARK
    reads_bodies: bool = False

    @property
    def asked_headers(self) -> dict[str, str]:
        """The headers that the rule asks for, by lower-case name, of a body in JSON unless the rule asks for another
        content type."""
        return {"content-type": "application/json", **{name.lower(): value for name, value in self.headers}}


@dataclass(frozen=True, slots=True)
class Probes:
    """Proof by requests of the operator's own.

    targets: where they are sent, never empty. by_variant: one target for the baseline and for each other variant that
        users get, to tell which of them is not served; those of the baseline where candidates are judged on its
        requests. Empty where the mode or the size of the route allows none.
    """

    targets: tuple[ProbeTarget, ...]
    by_variant: tuple[ProbeTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    """Proof by requests that servers count under the split's step, for a mode or a gateway that cannot be probed.

    reason, message: what the condition says until the counts have shown the split.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Reports:
    """Proof by what every process that is up says of itself in the metrics.

    digest: of the settings, which each has to report. fewest: how many processes have to report, as Pods of the
        operator's own are ready; 0 where nobody knows.
    """

    digest: str
    fewest: int = 0


SplitProof = Probes | Metrics | Reports


@dataclass(frozen=True, slots=True)
class ProbeOnlyRules:
    """Rules that lead the operator's own requests alone: they show what a gateway makes of such rules before any user's
    request is led by them.

    objects: what to write, in this order, the overlay last. targets: where probes are sent, never empty.
    asks_engine: whether a signed probe goes on to the engine, so that it can be asked whether it takes the settings.
    """

    objects: tuple[Manifest, ...]
    targets: tuple[ProbeTarget, ...]
    asks_engine: bool = False
