"""From the bytes of an answer to samples: pure, and strict about everything that could make counts wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic_core import from_json

from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries, raw_series


class Sample(NamedTuple):
    """One row of an instant vector. The value may be NaN or infinite: the reader judges it per policy."""

    labels: Mapping[str, str]
    value: float


class Series(NamedTuple):
    """One series of several instant vectors. points: (Unix second, value), in order of time; none at a moment at which
    the vector has no such row."""

    labels: Mapping[str, str]
    points: Sequence[tuple[int, float]]


TEXT = frozenset({str})
TIME_TOLERANCE_SECONDS = 0.001
MAX_ROWS = 20_000
"""Rows of one answer. A row takes about 1 KB of memory, however few bytes it has. 50 policies have 3,000 to 10,000
rows; the reader asks for fewer policies when they have more."""
MAX_POINTS = 150_000
"""Samples of one answer of range vectors, each of some 250 bytes. 100 series that were scraped every 5 s for an hour
have 72,000; the reader asks for shorter ranges when they have more."""
_ROW_MARK, _VALUE_MARK = b'"metric":', b',"'


def parse_vector(body: bytes, content_type: str, place: str, at: float | None = None) -> list[Sample]:
    """The samples of a Prometheus API answer with HTTP status 200.

    `place` names the source in messages; `at` is the Unix time that was asked for, None when any will do. Raises
    MetricsFailure: NotJson, Malformed, Rejected (status is not success), Partial (warnings, or VictoriaMetrics'
    isPartial), TooLarge (more than `MAX_ROWS` rows) or TimeMoved. Infos are remarks on the query and are ignored.
    """
    rows = _rows(body, content_type, place, "vector", "an instant vector")
    samples = _samples(rows)
    if samples is None:
        raise _malformed(place, "holds a row without text labels, a time or a value")
    moments = {row["value"][0] for row in rows}  # nearly always one
    if at is not None and not all(abs(moment - at) <= TIME_TOLERANCE_SECONDS for moment in moments):  # NaN is none
        raise moved(place)
    return samples


def parse_moments(body: bytes, content_type: str, place: str, moments: range) -> list[Series]:
    """The series of a range query for these Unix seconds, as strictly as `parse_vector`; TooLarge for more than
    `MAX_POINTS` values as well."""
    if body.count(_VALUE_MARK) > MAX_POINTS:
        raise _too_many_points(place)
    rows = _rows(body, content_type, place, "matrix", "a range of vectors")
    found: list[Series] = []
    is_text = TEXT.issuperset
    times: set[float] = set()
    with suppress(TypeError, KeyError, ValueError, OverflowError):  # the error quotes the answer
        for row in rows:
            labels, points = row["metric"], row["values"]
            if type(labels) is not dict or not is_text(map(type, labels.values())):
                break
            if not is_text(type(value) for _, value in points):
                break
            times.update(at for at, _ in points)
            found.append(Series(labels, [(round(at), float(value)) for at, value in points]))
    if len(found) < len(rows):
        raise _malformed(place, "holds a row without text labels, times or values")
    if not all(round(at) in moments and abs(at - round(at)) <= TIME_TOLERANCE_SECONDS for at in times):
        raise moved(place)
    return found


def parse_matrix(body: bytes, content_type: str, place: str, at: float) -> list[RawSeries]:
    """The series of an instant query for a range vector, evaluated at Unix time `at`, as strictly as `parse_vector`.

    Samples of a moment after `at` are refused as TimeMoved. A source that moved the time back instead gives fewer
    samples, which come with the next look: the reset ledger counts only growth between samples that it has read.
    """
    if body.count(_VALUE_MARK) > MAX_POINTS:
        raise _too_many_points(place)
    found = raw_series(_rows(body, content_type, place, "matrix", "a range vector"), place)
    latest = round((at + TIME_TOLERANCE_SECONDS) * 1000)
    if any(moment > latest for series in found for moment, _ in series.points):
        raise moved(place)
    return found


def _rows(body: bytes, content_type: str, place: str, kind: str, described: str) -> list[Any]:
    if body.count(_ROW_MARK) > MAX_ROWS:  # before it is parsed: a text within a label has its quotes escaped
        raise _too_many_rows(place)
    answer = _json_object(body, content_type, place)
    if answer.get("status") == "error":
        raise MetricsFailure(FailureKind.REJECTED, f"{place} answered 200 with the status error")
    if answer.get("status") != "success":
        raise _malformed(place, "has no status of success or error")
    if answer.get("warnings"):
        raise MetricsFailure(FailureKind.PARTIAL, f"{place} answered with warnings")
    if answer.get("isPartial"):
        raise MetricsFailure(FailureKind.PARTIAL, f"{place} marked its answer as partial")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") != kind:
        raise _malformed(place, f"is not {described}")
    rows = data.get("result")
    if not isinstance(rows, list):
        raise _malformed(place, "has no list of results")
    if len(rows) > MAX_ROWS:
        raise _too_many_rows(place)
    return rows


def moved(place: str) -> MetricsFailure:
    """The failure of a source that evaluates queries at another time than it is asked to."""
    return MetricsFailure(FailureKind.TIME_MOVED, f"{place} answered for another time than was asked")


def _samples(rows: list[Any]) -> list[Sample] | None:
    """The rows as samples, or None when one row has not the form of a sample. It is one loop, since a look has tens of
    thousands of rows."""
    samples = []
    is_text = TEXT.issuperset
    try:
        for row in rows:
            labels = row["metric"]
            time, value = row["value"]
            numbered = type(value) is str and (type(time) is float or type(time) is int)
            if type(labels) is not dict or not numbered or not is_text(map(type, labels.values())):
                return None
            samples.append(Sample(labels, float(value)))
    except (TypeError, KeyError, ValueError):
        return None  # the failure is raised by the caller: this error quotes the answer
    return samples


def _json_object(body: bytes, content_type: str, place: str) -> dict[str, Any]:
    answer: Any = None
    with suppress(ValueError, RecursionError):  # such an error would carry the body
        # Rows repeat their labels' values: each is one object, which halves the memory of an answer.
        answer = from_json(body, cache_strings="all")
    if isinstance(answer, dict):
        return answer
    if "json" in content_type.lower() and body.lstrip()[:1] in (b"{", b"["):
        raise _malformed(place, "is damaged or cut JSON")
    raise MetricsFailure(FailureKind.NOT_JSON, f"{place} answered 200 with a body that is not a JSON object")


def _too_many_rows(place: str) -> MetricsFailure:
    return MetricsFailure(FailureKind.TOO_LARGE, f"the answer of {place} has more than {MAX_ROWS} rows")


def _too_many_points(place: str) -> MetricsFailure:
    return MetricsFailure(FailureKind.TOO_LARGE, f"the answer of {place} has more than {MAX_POINTS} samples")


def _malformed(place: str, what: str) -> MetricsFailure:
    return MetricsFailure(FailureKind.MALFORMED, f"the answer of {place} {what}")
