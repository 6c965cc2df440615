"""Counts of both variants at one moment, from which looks are measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

from earlystop.api.counts import SEVERAL_CLASSES, ClassAnswers, Look, Tally, UserScatter


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of both variants at one moment of one step; classes: of each query class that the plan names.

    users: what groups of users show by then, since requests were split; None where they are not asked for, and in a
    mark. by_class: all that was counted of each query class, where each is judged by itself; none elsewhere.
    """

    baseline: Tally = Tally()
    candidate: Tally = Tally()
    classes: tuple[ClassAnswers, ...] = ()
    users: UserScatter | None = None
    by_class: tuple[Totals, ...] = ()

    @property
    def as_mark(self) -> Totals:
        """The counts of all requests alone, from which a later look is measured."""
        return self if self.users is None and not self.by_class else replace(self, users=None, by_class=())

    @property
    def as_guarded(self) -> Totals:
        """The counts as a guard keeps them: of several classes without sums of squared tokens, which no guard reads,
        and which take most room of all."""
        if len(self.classes) < SEVERAL_CLASSES:
            return self
        baseline, candidate = (replace(each, tokens_squared=0) for each in (self.baseline, self.candidate))
        return replace(self, baseline=baseline, candidate=candidate)

    def look_since(self, mark: Totals, at: int, step: int, weight: int) -> Look:
        """What was added after `mark`, as a look."""
        classes = tuple(mine - theirs for mine, theirs in zip(self.classes, mark.classes, strict=True))
        return Look(
            at=at,
            step=step,
            weight=weight,
            baseline=self.baseline - mark.baseline,
            candidate=self.candidate - mark.candidate,
            classes=classes,
            users=self.users,
        )


NO_COUNTS = Totals()
