"""How many series a policy may have, and all of them together: a scrape must not hold up looks, nor fill a Prometheus.

What does not fit is left out openly: metrics of their own say how much. Within a policy the first samples stay, which
are the most important ones. Of the policies those that are watched come first, and namespaces take turns, so that none
fills the room with policies of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from earlystop.controller.policy_metrics.samples import PolicyView, Sample, samples_of
from earlystop.controller.policy_metrics.table import LEFT_OUT
from earlystop.rollout.state import ACTING, WATCHING

MOST_OF_ONE = 300
"""Series of one policy: a canary has some 70, and four candidates with ten claims fit."""
MOST_IN_ALL = 20_000
"""Series of all policies: these take a third of a second of a core at each scrape."""


def expose(
    views: Iterable[PolicyView],
    show: Callable[[Sample], None],
    most_of_one: int = MOST_OF_ONE,
    most_in_all: int = MOST_IN_ALL,
    samples_of: Callable[[PolicyView], Iterable[Sample]] = samples_of,
) -> int:
    """Show the samples of as many policies as there is room for. A policy is shown whole, up to its own limit, or not
    at all: half of one would look like one in which nothing happens. One without samples is left out.

    show: takes each sample that /metrics has; they need not all be held at once. Returns of how many policies nothing
    is shown.
    """
    number_shown, empty, order = 0, 0, _in_turn(views)
    for number, view in enumerate(order):
        own = list(samples_of(view))
        shown = [*own[:most_of_one], Sample(LEFT_OUT, view.key, max(0, len(own) - most_of_one))] if own else []
        if number_shown + len(shown) > most_in_all:
            return empty + len(order) - number  # nobody works out what the others have to say
        for sample in shown:
            show(sample)
        number_shown += len(shown)
        empty += not own
    return empty


def _in_turn(views: Iterable[PolicyView]) -> list[PolicyView]:
    """Policies that are watched, also by a guard, or act first, then the others; the first of each namespace, the
    second, and so on."""
    ranks: Counter[tuple[bool, str]] = Counter()
    order: list[tuple[bool, int, tuple[str, str], PolicyView]] = []
    for view in sorted(views, key=lambda each: each.key):
        is_idle = view.state.watch_phase not in WATCHING | ACTING
        order.append((is_idle, ranks[is_idle, view.namespace], view.key, view))
        ranks[is_idle, view.namespace] += 1
    return [view for *_, view in sorted(order, key=lambda each: each[:3])]
