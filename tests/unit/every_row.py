"""One test for all rows of a large table: each row is tried, and those that fail are told together.

pytest takes two milliseconds to collect, report and forget a test, which is more than most rows of a table take. A
table of some ten rows is better parametrised: each of its rows can then be run alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest


def every_row(
    names: str | tuple[str, ...], rows: Iterable[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorates a test as `pytest.mark.parametrize(names, rows)` does, but leaves it one test.

    names: of its parameters; with more than one, each row is a tuple. Two of these, one above the other, try every
    pair. What else the test takes are fixtures, which all rows share. What fails is raised as an ExceptionGroup, in
    which each failure has a note with its row. Raises ValueError for a table without rows, and TypeError for a test
    that is asynchronous.
    """
    words = [names] if isinstance(names, str) else list(names)
    table = [row if len(words) > 1 else (row,) for row in rows]
    if not table:
        raise ValueError(f"there is no row of {names}, so nothing would be tested")

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        others = [each for each in inspect.signature(test).parameters if each not in words]
        if inspect.iscoroutinefunction(test):
            raise TypeError(f"{test.__name__} is asynchronous: use pytest.mark.parametrize")

        @wraps(test)
        def every(**given: Any) -> None:
            _try_all(test, [dict(zip(words, row, strict=True)) for row in table], given)

        # What pytest reads: the names that are left for a decorator above, which are fixtures if there is none.
        kind = inspect.Parameter.KEYWORD_ONLY
        vars(every)["__signature__"] = inspect.Signature([inspect.Parameter(each, kind) for each in others])
        return every

    return decorate


def _try_all(test: Callable[..., None], rows: list[dict[str, Any]], given: dict[str, Any]) -> None:
    failures: list[Exception] = []
    for row in rows:
        try:
            test(**row, **given)
        except (Exception, pytest.fail.Exception) as error:
            failure = error if isinstance(error, Exception) else AssertionError(str(error))
            failure.add_note(f"row: {', '.join(f'{name}={value!r:.200}' for name, value in row.items())}")
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(rows)} rows of {test.__name__} fail", failures)
