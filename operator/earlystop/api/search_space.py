"""From what a search may try to its settings: each with a name, and a place between careful and bold."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import log, prod

from earlystop.api.parameters import Parameter
from earlystop.api.plurals import counted
from earlystop.api.search import Search, SearchParameter, SearchProblem, SearchRange
from earlystop.api.search_range import numbers_of
from earlystop.api.searches import MOST_SETTINGS, SearchTraits
from earlystop.api.values import bounded, canonical_setting

LONGEST_NAME = 32
DIGEST = 8
NUMBERS = ("Integer", "Decimal")


@dataclass(frozen=True, slots=True)
class SearchSetting:
    """One setting that may be tried.

    name: a label, unique in the search. values: of each searched parameter, canonical. place: for each of them, where
    its value stands between the most careful (0) and the boldest (1) one that may be tried: of a range as its scale
    spaces numbers, of a list or of choices by their order alone.
    """

    name: str
    values: tuple[tuple[str, str], ...]
    place: tuple[float, ...]


@lru_cache(maxsize=1024)
def settings_of(
    search: Search, parameters: tuple[Parameter, ...], baseline: tuple[tuple[str, str], ...]
) -> tuple[SearchSetting, ...]:
    """Every setting of a search but the baseline's own. The first parameter goes from its most careful value to the
    boldest, for each of its values the second does, and so on.

    baseline: canonical value of each parameter that it sets. Raises SearchProblem where none, equal or too many come
    of it, or one that its parameter does not take.
    """
    known = {each.name: each for each in parameters}
    _ensure_parameters(search, known)
    axes = [_values_of(each, known[each.name]) for each in search.parameters]
    own = dict(baseline)
    of_baseline = tuple(own.get(each.name) for each in search.parameters)
    tried = prod(map(len, axes)) - all(value in axis for value, axis in zip(of_baseline, axes, strict=True))
    if tried > search.traits.most_settings:
        raise SearchProblem(
            f"search: there are {counted(tried, 'setting')} to try beside the baseline's, and strategy "
            f"{search.strategy} takes {search.traits.most_settings}; write fewer values, "
            f"or larger steps{_who_takes_more(search.traits, tried)}"
        )
    if not tried:
        raise SearchProblem("search: there is nothing to try beside the baseline's own setting; write other values")
    rows = [row for row in product(*axes) if row != of_baseline]
    places = []
    for at, each in enumerate(search.parameters):
        among = {row[at] for row in rows}
        is_range = each.range is not None
        is_log = each.range is not None and each.range.scale == "Log"
        places.append(_places([value for value in axes[at] if value in among], is_range, is_log))
    names = [each.name for each in search.parameters]
    values = [tuple(zip(names, row, strict=True)) for row in rows]
    return tuple(
        SearchSetting(label, setting, tuple(place[value] for place, (_, value) in zip(places, setting, strict=True)))
        for label, setting in zip(_labels(values), values, strict=True)
    )


def _who_takes_more(traits: SearchTraits, tried: int) -> str:
    is_more = traits.most_settings < tried <= MOST_SETTINGS
    return ", or strategy Bayesian, which tries one after the other on live requests" if is_more else ""


def _ensure_parameters(search: Search, known: Mapping[str, Parameter]) -> None:
    """Raises SearchProblem for parameters that the policy does not have, and for more than the strategy takes."""
    named, most = [each.name for each in search.parameters], search.traits.most_parameters
    for name in named:
        if name not in known:
            raise SearchProblem(
                f"search.parameters: there is no parameter {name}; write the name of one, such as {next(iter(known))}"
            )
        if named.count(name) > 1:
            raise SearchProblem(f"search.parameters: {name} stands there twice; write it once, with all its values")
    if len(named) > most:
        raise SearchProblem(
            f"search.parameters: strategy {search.strategy} takes {most}, and these are {', '.join(named)}; write one, "
            "or strategy Grid, Bayesian or Bandit"
        )


def _values_of(searched: SearchParameter, parameter: Parameter) -> tuple[str, ...]:
    """The canonical values of one parameter that may be tried, from the most careful to the boldest; of a parameter
    whose values have no order, as they are written. Raises SearchProblem."""
    values = _written_values(searched, parameter)
    for value in values:
        if problem := parameter.problem_of(value):
            raise SearchProblem(f"search.parameters: {problem}; write values that the parameter takes")
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise SearchProblem(
            f"search.parameters: {parameter.name} {twice[0]} would be tried twice; write each value once "
            '("40.0" is "40"), and a count of whole numbers that leaves some between them'
        )
    return tuple(sorted(values, key=parameter.boldness)) if parameter.stops_sooner else values


def _written_values(searched: SearchParameter, parameter: Parameter) -> tuple[str, ...]:
    where = f"search.parameters: {parameter.name}"
    if searched.values is not None and searched.range is not None:
        raise SearchProblem(f"{where} has both values and range; remove one")
    if searched.values is not None:
        return tuple(map(canonical_setting, searched.values))
    if searched.range is not None:
        if parameter.type not in NUMBERS:
            raise SearchProblem(f"{where} is of type {parameter.type}, which has no range; write values")
        of_range = f"{where}: the range from {searched.range.from_} to {searched.range.to}"
        _ensure_within(searched.range, parameter, of_range)
        return numbers_of(searched.range, parameter.type == "Integer", of_range)
    if parameter.type in NUMBERS:
        raise SearchProblem(f"{where} is a number; write values or range, to say which may be tried")
    return parameter.choices or ("false", "true")


def _ensure_within(written: SearchRange, parameter: Parameter, of_range: str) -> None:
    """Raises SearchProblem for a range beyond what the parameter takes, with the part of it that the parameter does
    take, or with all that it takes where that is no range."""
    least, most = parameter.minimum or written.from_, parameter.maximum or written.to
    if float(written.from_) < float(least) or float(written.to) > float(most):
        low, high = max(least, written.from_, key=float), min(most, written.to, key=float)
        low, high = (low, high) if float(low) < float(high) else (least, most)
        raise SearchProblem(
            f"{of_range} is wider than what {parameter.name} takes; write from and to within {low} and {high}"
        )


def _places(values: Sequence[str], is_range: bool, is_log: bool) -> dict[str, float]:
    """Where each value stands between the first and the last."""
    spots = [float(at) for at in range(len(values))]
    if is_range:
        spots = [log(float(value)) if is_log else float(value) for value in values]
    width = spots[-1] - spots[0]
    places = (abs((spot - spots[0]) / width) if width else 0.0 for spot in spots)
    return dict(zip(values, places, strict=True))


def _labels(settings: Sequence[tuple[tuple[str, str], ...]]) -> list[str]:
    """A name for each setting, of its values alone; those that would be too long or alike end in a digest, and so does
    a name that is spelt as another one with its digest. Raises SearchProblem where two are alike still."""
    plain = ["-".join(f"{name}-{_slug(value)}" for name, value in setting) for setting in settings]
    digested = [_with_digest(name, setting) for name, setting in zip(plain, settings, strict=True)]
    times, taken = Counter(plain), set(digested)
    labels = [
        name if len(name) <= LONGEST_NAME and times[name] == 1 and name not in taken else longer
        for name, longer in zip(plain, digested, strict=True)
    ]
    for name, number in Counter(labels).items():
        if number > 1:
            raise SearchProblem(
                f"search.parameters: {counted(number, 'setting')} would both be called {name}; write other values"
            )
    return labels


def _slug(value: str) -> str:
    """A value as a part of a name: small letters, digits and hyphens. 0.8 is 0-8, and -1 is minus-1."""
    signed = f"minus-{value[1:]}" if value.startswith("-") else value
    return re.sub("[^a-z0-9]+", "-", signed.lower()).strip("-")


def _with_digest(name: str, setting: tuple[tuple[str, str], ...]) -> str:
    digest = hashlib.sha256(json.dumps(setting).encode()).hexdigest()[:DIGEST]
    return f"{bounded(name, LONGEST_NAME - DIGEST - 1)}-{digest}"
