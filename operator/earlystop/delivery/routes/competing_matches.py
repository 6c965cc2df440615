"""Which requests other rules get: an overlay must leave them there.

An overlay's matches are stricter than all of the user's. Where another rule, of the user's route or of anybody's route
for the same hosts, took requests away from the one that is overlaid, it must still do so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import inner_route_name, overlay_name
from earlystop.delivery.routes.gateways import compares_paths_first, other_orders
from earlystop.delivery.routes.neighbours import NeighbourRoute, neighbour_route
from earlystop.delivery.routes.precedence import (
    EVERYTHING,
    Match,
    Order,
    are_disjoint,
    asks_no_more,
    may_precede,
    may_precede_by_host,
    may_take_post,
    path_of,
    rank_by_exact_headers,
    ranks,
    surely_precedes,
    takes_all_posts,
)
from earlystop.delivery.routes.rewrites import PathRewrite, path_rewrite, replaces_prefix
from earlystop.delivery.routes.served_hosts import shared_hosts

# Parts of a rule that say which requests it takes. All others say what is done with them.
SELECTING = frozenset({"name", "matches"})
Narrow = Callable[[Match, PathRewrite | None], list[Match] | Refusal]
"""What an overlay makes of a match of a rule that rewrites paths so, or not at all."""
# Headers that rules of an overlay ask for beside those of the match that they are made of: a cohort's, a golden one.
ADDED_HEADERS = 2


@dataclass(frozen=True, slots=True)
class CompetingMatch:
    """A match of another rule, of the user's route or of another one.

    wins_ties: whether it may get requests that it and the overlaid match rank alike for. Gateway API gives them to the
        older route, but not every gateway does, so any other route may; of one route's rules the first has them.
    keeps_treatment: whether the overlay has a rule for its rule, too, which does the same with requests.
    is_overlaid: whether the overlay has a rule for its rule, whatever that does with requests.
    on_all_hosts: whether it takes requests to every host and listener of the user's route.
    route: kind, namespace and name of the other route for a message, "" for the user's own.
    has_other_hosts: whether its hosts and the user's are not the same, at a gateway that compares paths before hosts:
        there one of several hosts may be worth something for all of them.
    rewrite, place: what its rule makes of paths, and the number of its rule, where that is one of the user's.
    orders: of the route's gateways, where they order matches otherwise than Gateway API.
    """

    match: Match
    wins_ties: bool
    keeps_treatment: bool = False
    is_overlaid: bool = False
    on_all_hosts: bool = True
    route: str = ""
    has_other_hosts: bool = False
    rewrite: PathRewrite | None = None
    place: int = 0
    orders: tuple[Order, ...] = ()

    def comes_before(self, match: Match, path: str) -> bool:
        """Whether it may get POST requests to `path` that `match`, the user's, would take as well."""
        if not may_take_post(self.match, path) or are_disjoint(self.match, match):
            return False
        if self.has_other_hosts:
            return may_precede_by_host(self.match, match)
        return may_precede(self.match, match, wins_ties=self.wins_ties, orders=self.orders)

    def ties_with(self, match: Match, path: str) -> bool:
        """Whether it may get POST requests to `path` that `match` would take as well for want of an order alone."""
        if not self.comes_before(match, path) or self.has_other_hosts:
            return False
        return bool(self.route) and not may_precede(self.match, match, wins_ties=False, orders=self.orders)

    def keeps_its_requests(self, stricter: Match) -> bool:
        """Whether every gateway puts it before every rule of an overlay that is made of this match."""
        if path_of(self.match)[0] != "Exact":
            return False
        most = {**stricter, "headers": [*stricter.get("headers", []), *[{}] * ADDED_HEADERS]}
        if self.has_other_hosts and may_precede_by_host(most, self.match):
            return False
        by_all = surely_precedes(self.match, most, wins_ties=False, orders=(ranks, *self.orders))
        return by_all and rank_by_exact_headers(self.match) > rank_by_exact_headers(most)

    def may_come_before(self, match: Match, path: str) -> bool:
        """Whether it comes before `match` where headers by regular expression count less than others. What another
        route has by that, no overlay may take; which of the user's own rules has it, a gateway may see otherwise."""
        if not self.route or not may_take_post(self.match, path) or are_disjoint(self.match, match):
            return False
        return rank_by_exact_headers(self.match) > rank_by_exact_headers(match)

    def gets_all(self, match: Match, path: str) -> bool:
        """Whether it takes every POST request to `path` that `match` takes."""
        return self.on_all_hosts and takes_all_posts(self.match, path) and asks_no_more(self.match, match)


def competing_rules(
    rules: Sequence[dict[str, Any]], index: int, overlaid: Sequence[bool], orders: tuple[Order, ...] = ()
) -> list[CompetingMatch]:
    """The matches of all rules of a route but the one at `index`. overlaid: for each rule, whether it is overlaid.
    orders: as of `CompetingMatch`."""
    return [
        CompetingMatch(
            match,
            wins_ties=number < index,
            keeps_treatment=overlaid[number] and _treatment(rule) == _treatment(rules[index]),
            is_overlaid=overlaid[number],
            rewrite=path_rewrite(rule),
            place=number,
            orders=orders,
        )
        for number, rule in enumerate(rules)
        if number != index
        for match in rule.get("matches") or [EVERYTHING]
    ]


def _treatment(rule: dict[str, Any]) -> dict[str, Any]:
    """What a rule does with requests. Where it replaces a prefix, that is another thing for each prefix."""
    by_match = {"matches": rule.get("matches")} if replaces_prefix(rule) else {}
    return {**{key: value for key, value in rule.items() if key not in SELECTING}, **by_match}


def competing_neighbours(inputs: ClusterInputs) -> Sequence[CompetingMatch]:
    """The matches of other routes for the hosts of the user's route. The policy's own overlay and inner route are none
    of them; those of other policies are."""
    return inputs.once(_competing_neighbours)


def _competing_neighbours(inputs: ClusterInputs) -> tuple[CompetingMatch, ...]:
    assert inputs.route is not None  # asked of rules that were found in it
    users, orders = neighbour_route(inputs.route, "HTTPRoute", inputs.gateways), other_orders(inputs)
    paths_first = compares_paths_first(inputs)
    own = {
        ("HTTPRoute", inputs.namespace, name) for name in (overlay_name(inputs.policy), inner_route_name(inputs.policy))
    }
    return tuple(
        CompetingMatch(
            match,
            wins_ties=True,
            on_all_hosts=each.hosts >= users.hosts,
            route=_named(each),
            has_other_hosts=paths_first and each.hosts != users.hosts,
            orders=orders,
        )
        for each in inputs.neighbours.routes
        if each.key not in {*own, users.key} and shared_hosts(each.hosts, users.hosts)
        for match in each.matches
    ) + tuple(
        CompetingMatch(match, wins_ties=True, on_all_hosts=False, route=_named(each), has_other_hosts=True)
        for each in inputs.neighbours.overlapping
        if each.key not in {*own, users.key} and not shared_hosts(each.hosts, users.hosts)
        for match in each.matches
    )


def _named(route: NeighbourRoute) -> str:
    kind, namespace, name = route.key
    return f"{kind} {namespace}/{name}"


def routes_before(inputs: ClusterInputs, narrowed: Iterable[tuple[Match, list[Match] | Refusal]]) -> list[str]:
    """Other routes that may get all requests of what an overlay would make of some matches, sorted. narrowed: matches
    of the user's, and what an overlay would make of each."""
    pairs = [(match, each["path"]["value"]) for match, stricter in narrowed for each in _matches_in(stricter)]
    return sorted(
        {
            each.route
            for each in competing_neighbours(inputs)
            if any(each.comes_before(match, path) and each.gets_all(match, path) for match, path in pairs)
        }
    )


def _matches_in(narrowed: list[Match] | Refusal) -> list[Match]:
    return [] if isinstance(narrowed, Refusal) else narrowed


def room_beside(match: Match, stricter: Match, competing: Iterable[CompetingMatch], narrow: Narrow) -> bool | Refusal:
    """Whether an overlay may have the match `stricter`, which was made of `match` of the user's: False where other
    rules get all of its requests, a refusal where they get some that cannot be told from the rest.

    narrow: what the overlay makes of a match of a rule that is overlaid, too.
    """
    path = stricter["path"]["value"]
    others = list(competing)
    before = [each for each in others if each.comes_before(match, path) and not each.keeps_its_requests(stricter)]
    if any(each.gets_all(match, path) for each in before):
        return False
    unsure = (
        each
        for each in others
        if each not in before and each.may_come_before(match, path) and not each.keeps_its_requests(stricter)
    )
    taking = next((each for each in chain(before, unsure) if not each.is_overlaid), None)
    if taking is not None:
        return _tied(path, taking.route) if taking.ties_with(match, path) else _taken(path, taking)
    for each in before:
        if each.keeps_treatment:
            continue
        stays = _stays_before(each, stricter, narrow(each.match, each.rewrite))
        if not stays or _may_be_left_out(each, match, others, path):
            return _reordered(path)
    return True


def _may_be_left_out(competing: CompetingMatch, match: Match, others: Iterable[CompetingMatch], path: str) -> bool:
    """Whether the overlay may lack a rule for a competing match that gets requests at some gateways: others give all
    of them to `match`, or to a third one, as the prefixes /v1 and /v1/ come in another order at each."""
    rivals = [(match, not competing.wins_ties, competing.wins_ties)]
    for each in others:
        if each is not competing and each.on_all_hosts:
            rivals.append((each.match, bool(each.route) or each.place < competing.place, each.place > competing.place))
    return any(
        takes_all_posts(rival, path)
        and asks_no_more(rival, competing.match)
        and may_precede(rival, competing.match, wins_ties=before, orders=competing.orders)
        and may_precede(competing.match, rival, wins_ties=after, orders=competing.orders)
        for rival, before, after in rivals
    )


def _stays_before(competing: CompetingMatch, stricter: Match, narrowed: list[Match] | Refusal) -> bool:
    """Whether the overlay's matches for a competing one come before the match `stricter` of another rule of it.

    A later rule must ask for more headers: a golden rule asks for one more than the first rule, which it is made of.
    Where the overlay takes not all requests of the competing match, that match must itself come before the overlay.
    """
    same_path = [each for each in _matches_in(narrowed) if each["path"] == stricter["path"]]
    partial = [competing.match] if any(not asks_no_more(each, competing.match) for each in same_path) else []
    mine = max(ranks(stricter))
    # Where no golden rule is made of it, as of the first rule, ties go to the rule that stands first.
    most = stricter if competing.wins_ties else {**stricter, "headers": [*stricter.get("headers", []), {}]}
    return all(
        (rank.headers > mine.headers or (competing.wins_ties and rank >= mine))
        and surely_precedes(each, most, wins_ties=True, orders=competing.orders)
        for each in (*same_path, *partial)
        for rank in [max(ranks(each))]
    )


def _reordered(path: str) -> Refusal:
    return Refusal(
        "RouteOverlaps",
        f"Two rules of the route lead to the target, take some of the same POST requests to {path} and do different "
        "things with them, and an overlay could not keep their order. Give the two rules different paths, or the same "
        "header with different values.",
    )


def _tied(path: str, route: str) -> Refusal:
    return Refusal(
        "RouteOverlaps",
        f"{route} for the same host takes some of the POST requests to {path} by as narrow a match as the target's "
        "rule. Gateway API gives them to the older route, but gateways differ, and an overlay would take them from "
        "both. Give that route and the target's rule different paths, or the same header with different values, or "
        "another host.",
    )


def _taken(path: str, taking: CompetingMatch) -> Refusal:
    other, told_apart, by_host = "Another rule of the route", "that rule", ""
    if taking.route:
        where = "a host in common, at a gateway that compares paths before hosts,"
        other = f"{taking.route} for {where if taking.has_other_hosts else 'the same host'}"
        told_apart, by_host = "that route", ", or another host"
    return Refusal(
        "RouteOverlaps",
        f"{other} takes some of the POST requests to {path} away from the target, and an overlay would take them back. "
        f"Give {told_apart} and the target's rule different paths, or the same header with different values"
        f"{by_host}.",
    )
