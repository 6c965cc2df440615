"""Counters that are read in several ways are counted once: which series show the same events, and their sum.

Within one way (a scrape job, a Service, one scraper of a pair, a federation) series are distinct counters and are
added. Over several ways to one process the one that proves most counts, and first-hand ways before copies, which may
lag. Processes are told apart by their Pods, and without a Pod by their addresses. A row without a Pod, at a host
where Pods are known too, shows the same events as these; so may a row without either, whatever else is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from earlystop.metrics.templates.series_mark import AMBIGUOUS, SECOND_HAND, SeriesId

Numbers = Callable[[SeriesId], tuple[int, int]]
"""What one series proves, and the most that it may have seen."""


def counters(series: Iterable[SeriesId]) -> Iterator[list[SeriesId]]:
    """The series in groups, each of a variant, a field and the same events: groups may be added."""
    by_field: defaultdict[tuple[str, str], list[SeriesId]] = defaultdict(list)
    for key in sorted(series):
        by_field[key.variant, key.field].append(key)
    for keys in by_field.values():
        yield from _groups(keys)


def amount(keys: Iterable[SeriesId], numbers: Numbers) -> tuple[int, int]:
    """What a group of `counters` proves, and the most that it may have seen."""
    by_target: defaultdict[str, list[SeriesId]] = defaultdict(list)
    for key in keys:
        by_target[key.target].append(key)
    nowhere = by_target.pop("", None)
    if nowhere is None:
        return _of_linked(by_target, numbers)
    known = [amount(group, numbers) for group in _groups([key for mine in by_target.values() for key in mine])]
    proven, most = _of_target(nowhere, numbers)
    return max(proven, sum(each for each, _ in known)), most + sum(each for _, each in known)


def _of_linked(by_target: Mapping[str, list[SeriesId]], numbers: Numbers) -> tuple[int, int]:
    """What Pods counted, at least and at most. Addresses show the same Pods, so their counts are no further events."""
    pods, addresses = [(0, 0)], [(0, 0)]
    for mine in by_target.values():
        (addresses if len(by_target) > 1 and _is_address(mine) else pods).append(_of_target(mine, numbers))
    return (
        max(sum(proven for proven, _ in pods), max(proven for proven, _ in addresses)),
        max(sum(most for _, most in pods), sum(most for _, most in addresses)),
    )


def _groups(keys: list[SeriesId]) -> Iterator[list[SeriesId]]:
    """The series of one variant and field in groups: those of processes that may show the same events stand
    together."""
    by_target: defaultdict[str, list[SeriesId]] = defaultdict(list)
    for key in keys:
        by_target[key.target].append(key)
    if "" in by_target:
        yield keys
        return
    at_host: defaultdict[str, set[str]] = defaultdict(set)
    for target, mine in by_target.items():
        if _is_address(mine):
            at_host[mine[0].host].add(target)
    groups: list[set[str]] = []
    for target, mine in by_target.items():
        linked = {target}
        if not _is_address(mine):
            linked.update(*(at_host.get(key.host, ()) for key in mine))
        apart = [group for group in groups if not group & linked]
        groups = [*apart, linked.union(*(group for group in groups if group & linked))]
    for group in groups:
        yield [key for target in sorted(group) for key in by_target[target]]


def _is_address(keys: list[SeriesId]) -> bool:
    return any(key.address and key.address == key.target for key in keys)


def _of_target(keys: list[SeriesId], numbers: Numbers) -> tuple[int, int]:
    """The counts of one process. Ways of which nothing proves that they lead to the same page may have seen more."""
    ways: defaultdict[tuple[str, str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for key in keys:
        (proven, most), more = ways[key.way], numbers(key)
        ways[key.way] = proven + more[0], most + more[1]
    first_hand = {way: found for way, found in ways.items() if not way[2].startswith(SECOND_HAND)}
    proven = max(proven for proven, _ in (first_hand or ways).values())
    return proven, max(proven, _most(ways))


def _most(ways: Mapping[tuple[str, str, str, str], tuple[int, int]]) -> int:
    """Over addresses, unproven and ambiguous vantages the sum, over proven ones of one address and their scrapers the
    most."""
    pages: dict[tuple[str, str], int] = {}
    for (_, address, vantage, _), (_, most) in ways.items():
        page = address, (vantage if vantage.startswith(SECOND_HAND) else "")
        pages[page] = max(pages.get(page, 0), most)
    proven = {address for address, vantage in pages if not vantage}
    return sum(
        most
        for (address, vantage), most in pages.items()
        if not vantage or vantage.startswith(AMBIGUOUS) or address not in proven
    )
