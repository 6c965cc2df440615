"""What the operator remembers of requests beside the split: past the overlay, forged, or with bodies unchanged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RequestsMemory:
    """What was found, each as a sentence, "" for none.

    unseen: of requests of the target that come past the overlay. unseen_at: Unix time at which they were last looked
        for.
    forged: of requests that named the campaign without its token.
    never_applied: of settings that change no request's body, or that a gateway left out.
    in_force: what was last said of weights in force, without these sentences.
    """

    unseen: str = ""
    unseen_at: float = 0.0
    forged: str = ""
    never_applied: str = ""
    in_force: str = "Weights are in force."

    def note_unseen(self, found: str, at: float) -> None:
        """Remembers that requests past the overlay were looked for at Unix time `at`. found: a sentence about them."""
        self.unseen, self.unseen_at = found, at

    def note_forged(self, found: str) -> None:
        """Requests were looked for that named the campaign without its token. found: a sentence about them."""
        self.forged = found

    def note_effects(self, found: str) -> None:
        """Remembers what settings did to bodies. found: a sentence about those that change none."""
        self.never_applied = found

    def note_in_force(self, message: str) -> None:
        """Remembers what is said of weights that are in force."""
        self.in_force = message
