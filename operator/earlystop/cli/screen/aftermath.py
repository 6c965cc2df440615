"""What happens by itself when a rollout is over, and what a person may do."""

from __future__ import annotations

from collections.abc import Iterator

from earlystop.cli.screen.times import duration
from earlystop.cli.screen.view import View
from earlystop.rollout.formatting import in_settings
from earlystop.rollout.guard.adjust import setting_after, steps_back
from earlystop.rollout.guard.busy import NOT_READ, Hindrance, hindrance
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase
from earlystop.rollout.trials.end_reasons import ENDED_FOR_GOOD

Paragraph = tuple[str, tuple[str, ...]]
"""A sentence, and what follows it as a list."""


def afterwards(view: View) -> Paragraph:
    """What still happens by itself, one item each, what is proven, and the ways to go on."""
    named = f"{view.policy['metadata']['name']} -n {view.policy['metadata']['namespace']}"
    certified = view.state.certified
    commit = "" if certified is None else f" What is proven, and may be committed: {in_settings(certified.values)}."
    ways = f"To try something else, edit the policy; to try the same again, kubectl earlystop retry {named}."
    follows = tuple(_follows(view))
    if follows:
        return f"{ways}{commit} By itself this may still happen:", follows
    return f"Nothing more happens by itself.{commit} {ways}", ()


def _follows(view: View) -> Iterator[str]:
    """What may still happen although nobody asks for it."""
    yield from _of_guard(view)
    if steps_back(view.state):
        yield "the next more careful setting that is proven serves, in place of the one that did harm"
    search, ended = view.spec.search, view.state.search and view.state.search.ended
    if search is None or search.repeat_seconds is None or not ended or ended.reason in ENDED_FOR_GOOD:
        return
    yield f"the search begins again {duration(search.repeat_seconds)} after its end (search.repeatSeconds)"


def _of_guard(view: View) -> Iterator[str]:
    """What a guard does; nothing while none watches, or after its alarm."""
    guard, terms = view.state.guard, view.spec.guard
    if guard is None or not view.state.is_guarded:
        if view.state.phase is Phase.PROMOTED and terms is not None and view.state.guard is None:
            yield "a guard begins to watch the promoted setting, and takes it back when it shows harm"
        return
    if guard.ends:
        yield "the guard is taken off, and then nobody watches the promoted setting"
        return
    when = " when the policy is resumed and" if guard.suspended_at is not None else " as soon as"
    yield f"the guard takes the promotion back, and all requests go to the baseline,{when} it shows harm"
    times = LiveTimes.of(view.spec)
    following = setting_after(times, view.state)
    if following:
        yield f"after that, {following} serves, the next more careful setting that is proven (guard.adjust)"
    if terms is not None and terms.adjust is not None and terms.adjust.tries_per_week and view.spec.search is not None:
        yield (
            "the search begins again while the guard sees room above the margin, so often a week at most: "
            f"{terms.adjust.tries_per_week} (guard.adjust.triesPerWeek)"
        )
    if terms is not None and terms.when_busy is not None and _load_counts(times, view):
        yield f"another proven setting serves when the load {terms.when_busy.load} changes (guard.whenBusy)"


def _load_counts(times: LiveTimes, view: View) -> bool:
    """Whether the setting that serves follows the load once that is known."""
    return hindrance(times, view.state, NOT_READ) is Hindrance.LOAD_UNKNOWN
