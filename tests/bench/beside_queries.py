"""Who looked when, by Prometheus' own log of queries: those of other controllers name the object that they are about.

Pure but for reading the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

_POLICY = re.compile(r'policy="([^"]+)"')


class Query(NamedTuple):
    """One query that names an object. at: Unix time of its answer. name: namespace/name."""

    at: float
    name: str


class QueryLog:
    """The log of queries, each line of which is read once however often it is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._queries: list[Query] = []

    def since(self, begin: float, end: float = float("inf")) -> list[Query]:
        """What was asked from one Unix time to another."""
        with self._path.open() as stream:
            stream.seek(self._read)
            text = stream.read()
        whole = text[: text.rfind("\n") + 1]  # the last line may still be being written
        self._read += len(whole.encode())
        self._queries += queries_in(whole.splitlines())
        return [each for each in self._queries if begin <= each.at < end]


def queries_in(lines: Iterable[str]) -> Iterator[Query]:
    """The queries of a log that name an object, each once; those of this operator are about many, and are left out."""
    for line in lines:
        told = json.loads(line)
        named = set(_POLICY.findall(told["params"]["query"]))
        if len(named) == 1:
            yield Query(datetime.fromisoformat(told["time"]).timestamp(), named.pop())


def gaps(queries: Iterable[Query]) -> list[float]:
    """Seconds from each look at an object to the next at the same one, sorted."""
    before: dict[str, float] = {}
    found = []
    for query in sorted(queries):
        if query.name in before:
            found.append(query.at - before[query.name])
        before[query.name] = query.at
    return sorted(found)


def quantile(values: list[float], part: float) -> float:
    """The smallest of the sorted values that at least this part of them does not exceed, NaN without any."""
    return values[max(0, ceil(part * len(values)) - 1)] if values else float("nan")
