"""How it is proven that a split is in force: by probes through a gateway, or by the counts of its step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.delivery.inputs import Manifest


class Proof(StrEnum):
    """What probes showed."""

    IN_FORCE = "InForce"
    NOT_YET = "NotYet"
    STALE = "Stale"
    """Answers, but not of this overlay: of one before it, or of a gateway that does not set its headers."""
    WRONG = "Wrong"
    """Answers of this very overlay that it does not allow."""
    UNSUPPORTED = "ProbeUnsupported"
    UNREACHABLE = "GatewayUnreachable"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probes showed, and a sentence about it."""

    proof: Proof
    message: str


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Where a probe can be sent, and what must come back.

    host: the Host header if one is needed. headers: those that the route asks for. revision, weights: what the server
    must echo; each variant with a weight above 0 must answer, and no other.
    """

    url: str
    host: str | None
    nonce: str
    headers: tuple[tuple[str, str], ...]
    revision: str
    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Probes:
    """Proof by requests of the operator's own. targets: where they are sent, never empty."""

    targets: tuple[ProbeTarget, ...]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Proof by requests that servers count under the split's step, for a mode or a gateway that cannot be probed.

    reason, message: what the condition says until the counts have shown the split.
    """

    reason: str
    message: str


SplitProof = Probes | Metrics


@dataclass(frozen=True, slots=True)
class ProbeOnlyRules:
    """Rules that lead the operator's own requests alone: they show what a gateway makes of such rules before any user's
    request is led by them.

    objects: what to write, in this order, the overlay last. targets: where probes are sent, never empty.
    """

    objects: tuple[Manifest, ...]
    targets: tuple[ProbeTarget, ...]
