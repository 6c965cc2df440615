"""What the operator remembers of probes that ask, now and then, whether each variant of a proven split is served."""

from __future__ import annotations

from dataclasses import dataclass, replace

from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof
from earlystop.delivery.split import TrafficSplit

# After so long without an answer that tells anything the counts are compared with the weights instead.
SECONDS_BLIND = 60.0

# Answers to probes of single variants that tell whether these are served.
CONCLUSIVE = frozenset({Proof.IN_FORCE, Proof.CANDIDATE_FAILS, Proof.NOT_YET, Proof.STALE, Proof.WRONG})


@dataclass(frozen=True, slots=True)
class WatchedSplit:
    """A split whose variants are asked for now and then. targets: where; none where nobody can be asked."""

    split: TrafficSplit
    targets: tuple[ProbeTarget, ...]


@dataclass(slots=True)
class VariantWatch:
    """Times are Unix seconds.

    watched: the split whose variants are asked for since it was proven by probes, None for none.
    asked_at: when they were last asked for.
    blind_since: since when their probes tell nothing, None while they do.
    blind: what the probes met, once that lasts; None before.
    """

    watched: WatchedSplit | None = None
    asked_at: float = 0.0
    blind_since: float | None = None
    blind: ProbeResult | None = None

    @property
    def asks(self) -> bool:
        """Whether probes are sent that tell whether each variant is served."""
        return self.watched is not None and bool(self.watched.targets) and self.blind is None

    def begin(self, split: TrafficSplit, targets: tuple[ProbeTarget, ...], now: float) -> None:
        """A split was proven by probes at Unix time `now`: from now on its variants are asked for now and then."""
        if self.watched != (watched := WatchedSplit(split, targets)):
            self.watched, self.asked_at = watched, now
            self._clear_blindness()

    def keep(self, split: TrafficSplit) -> None:
        """The objects lead users as before although this split is desired by now: their variants are asked for."""
        if self.watched is not None and self.watched.split.revision == split.revision:
            self.watched = replace(self.watched, split=split)

    def begin_asking(self, split: TrafficSplit, now: float) -> bool:
        """The variants are asked for at Unix time `now`. False where those of another split are known, which are
        forgotten."""
        self.asked_at = now
        if self.watched is not None and self.watched.split != split:
            self.watched = None
            self._clear_blindness()
        return self.watched is not None

    def note_answer(self, result: ProbeResult, now: float) -> None:
        """The probes were answered at Unix time `now`. They tell nothing where the operator itself is cut off from the
        gateway, or trusts its new certificate no longer, though users may be served as before."""
        self.asked_at = now
        if result.proof in CONCLUSIVE:
            self._clear_blindness()
        elif self.blind_since is None:
            self.blind_since = now
        elif now - self.blind_since >= SECONDS_BLIND:
            self.blind = result

    def _clear_blindness(self) -> None:
        self.blind_since, self.blind = None, None
