"""What the operator remembers of a target that a policy has left to another one, since its campaign is over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Handover:
    """successor: name of the policy that the target is left to, "" for none. is_left: whether nothing of this policy is
    on the route any more for that."""

    successor: str = ""
    is_left: bool = False

    def leave_to(self, successor: str) -> None:
        """The target is left to the policy of this name; "": to none, so that what was left is taken up again."""
        self.successor = successor

    def note_left(self) -> None:
        """Nothing of this policy is on the route any more."""
        self.is_left = True

    def resume(self, successor: str) -> None:
        """The stored status says that the target was left to the policy of this name: it stays so until the next check
        finds otherwise."""
        self.successor, self.is_left = successor, True

    def note_return(self) -> bool:
        """The policy's objects are on the route again. Returns whether they had been taken off for another policy."""
        returns, self.is_left = self.is_left and not self.successor, self.is_left and bool(self.successor)
        return returns
