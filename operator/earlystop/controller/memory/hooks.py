"""What the operator remembers of the events sent to a policy's hooks. It may be lost, since
what was sent is stored before more is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from earlystop.api.hooks import Hook
from earlystop.rollout.hooks.outbox import Settled
from earlystop.rollout.observations import HookTrouble


@dataclass(slots=True)
class HookMemory:
    """settled: what was told or given up, and is not stored yet.
    tries: of each hook, the number of an occurrence, how many attempts in a row to tell it have failed, and when the
        first of these did, Unix seconds.
    attended: of each hook, the number of the occurrence that was to be told last, 0 for a mere look at its target, and
        the policy's generation then.
    under_way: hooks that are attended to now."""

    settled: list[Settled] = field(default_factory=list)
    tries: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    attended: dict[str, tuple[int, int]] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    _troubles: dict[str, HookTrouble] = field(default_factory=dict)

    def note_settled(self, settled: Settled) -> None:
        """An occurrence was delivered to a hook, or given up after its last try."""
        self.settled.append(settled)
        self.tries.pop(settled.hook, None)
        self.attended.pop(settled.hook, None)
        self._troubles.pop(settled.hook, None)

    def forget_settled(self, stored: Collection[Settled]) -> None:
        """Forgets what is settled and is stored by now."""
        self.settled = [each for each in self.settled if each not in stored]

    def waits_for_store(self, hook: str) -> bool:
        """Whether what a hook was told last is not stored yet, without which nothing more is told to it."""
        return any(each.hook == hook for each in self.settled)

    def note_failure(self, hook: str, number: int, now: float) -> tuple[int, float]:
        """An attempt to tell a hook of an occurrence has failed. Returns how many have, since the operator began or the
        last one that did not, and when the first of them did. now: Unix seconds."""
        known, tries, since = self.tries.get(hook, (number, 0, now))
        tries, since = (tries + 1, since) if known == number else (1, now)
        self.tries[hook] = number, tries, since
        return tries, since

    def note_trouble(self, trouble: HookTrouble) -> bool:
        """A hook cannot be told. Returns whether this is news."""
        is_news = self._troubles.get(trouble.hook) != trouble
        self._troubles[trouble.hook] = trouble
        return is_news

    def note_usable(self, hook: str) -> bool:
        """A hook's target can be used, or its Job be seen. Returns whether it could not before."""
        self.tries.pop(hook, None)
        return self._troubles.pop(hook, None) is not None

    def troubles(self, hooks: Sequence[Hook] | None) -> tuple[HookTrouble, ...]:
        """The policy's hooks that cannot be told now, in the policy's order."""
        names = [each.name for each in hooks or ()]
        return tuple(self._troubles[each] for each in names if each in self._troubles)
