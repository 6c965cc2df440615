"""The reset ledger as text for a policy's status: bounded, canonical, and refused when it was altered.

One line a series, in a fixed order, so equal ledgers give equal text. A series takes about 130 bytes.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from earlystop.api.counts import TALLY_FIELDS, Variant
from earlystop.api.wire import LEDGER_LIMIT
from earlystop.metrics.convention.ledger import LedgerError
from earlystop.metrics.templates.reset_ledger import ResetLedger, SumKey
from earlystop.metrics.templates.series_mark import Amount, SeriesId, SeriesMark

_EMPTY_WORD = '""'
_UNKNOWN = "-"
_FORGOTTEN = "forgotten"
_PLAIN = "!#$&'()*+,/:;<=>?@[]^`{|}"


class TooManySeries(ValueError):
    """The ledger would not fit into status. The message says how large it is and what to change."""


def is_packed(text: str) -> bool:
    """Whether a text begins as a packed reset ledger does; other ledgers' lines begin with a digit."""
    return text.startswith("step ")


def pack(ledger: ResetLedger) -> str:
    """Lines of words: the step and the name of the queries, then targets that were forgotten, then closed sums, then
    series. Odd characters are percent-encoded.

    Raises TooManySeries above LEDGER_LIMIT: it must never be cut, for then counts would be wrong.
    """
    lines = [f"step {ledger.step} {ledger.since_ms} {ledger.forgotten_ms}" + (ledger.queries and f" {ledger.queries}")]
    lines += [" ".join((_FORGOTTEN, *map(_word, sorted(ledger.forgotten))))] if ledger.forgotten else []
    lines += [_sum_line(place, ledger.folded[place]) for place in sorted(ledger.folded)]
    lines += [_series_line(key, ledger.series[key]) for key in sorted(ledger.series)]
    text = "\n".join(lines)
    if len(text) > LEDGER_LIMIT:
        raise TooManySeries(
            f"{len(ledger.series)} series take {len(text)} bytes, more than the {LEDGER_LIMIT} that fit into status; "
            "let the MetricSource's templates select fewer series, or run fewer server processes"
        )
    return text


def unpack(text: str) -> ResetLedger:
    """Exact inverse of `pack`. Raises LedgerError that names the line for any other text."""
    step = since = forgotten = -1
    queries = ""
    series: dict[SeriesId, SeriesMark] = {}
    folded: dict[SumKey, Amount] = {}
    forgotten_targets: frozenset[str] = frozenset()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split(" ")
        try:
            if number == 1:
                step, since, forgotten = _head(words[:4])
                (queries,) = words[4:] or ("",)
            elif words[0] == _FORGOTTEN:
                forgotten_targets |= set(map(_unword, words[1:]))
            elif words[0] == "sum":
                place, amount = _sum(words)
                folded[place] = amount
            else:
                key, mark = _series(words)
                series[key] = mark
        except (ValueError, IndexError):
            raise LedgerError(f"line {number} of the reset ledger reads {line[:120]!r}: not of its form") from None
    ledger = ResetLedger(step, since, forgotten, series, folded, queries, forgotten_targets)
    if pack(ledger) != text:
        raise LedgerError("the reset ledger repeats a series or is not written as it was packed")
    return ledger


def _sum_line(place: SumKey, amount: Amount) -> str:
    step, variant, name = place
    return f"sum {step} {variant} {name} {amount.counted} {amount.uncertain}"


def _series_line(key: SeriesId, mark: SeriesMark) -> str:
    start = _UNKNOWN if mark.start_ms is None else str(mark.start_ms)
    numbers = f"{mark.at_ms} {mark.value} {mark.peak} {start} {mark.counted} {mark.uncertain}"
    line = f"at {key.variant} {key.field} {_word(key.target)} {_word(key.replica)} {numbers}"
    ages = (_age(mark, mark.first_ms), _age(mark, mark.peak_at_ms))
    if not (key.vantage or key.child or key.address) and ages == (_UNKNOWN, _UNKNOWN):
        return line  # as earlier releases wrote it
    return " ".join((line, _word(key.vantage), _word(key.child), _word(key.address), *ages))


def _age(mark: SeriesMark, moment: int | None) -> str:
    """How long before the last sample, which is shorter than the moment."""
    return _UNKNOWN if moment is None else str(mark.at_ms - moment)


def _moment(at_ms: int, age: str) -> int | None:
    return None if age == _UNKNOWN else at_ms - _count(age)


def _head(words: list[str]) -> tuple[int, int, int]:
    name, step, since, forgotten = words
    if name != "step":
        raise ValueError
    return _count(step), _count(since), _count(forgotten)


def _sum(words: list[str]) -> tuple[SumKey, Amount]:
    _, step, variant, name, counted, uncertain = words
    return (_count(step), Variant(variant), _field(name)), Amount(_count(counted), _count(uncertain))


def _series(words: list[str]) -> tuple[SeriesId, SeriesMark]:
    name, variant, field, target, replica, at, value, peak, start, counted, uncertain, *more = words
    if name != "at":
        raise ValueError
    vantage, child, address, first, peaked = more or (_EMPTY_WORD, _EMPTY_WORD, _EMPTY_WORD, _UNKNOWN, _UNKNOWN)
    names = map(_unword, (target, replica, vantage, child, address))
    moment, started = _count(at), None if start == _UNKNOWN else _count(start)
    seen = (_moment(moment, first), _moment(moment, peaked))
    mark = SeriesMark(moment, _count(value), _count(peak), started, _count(counted), _count(uncertain), *seen)
    return SeriesId(Variant(variant), _field(field), *names), mark


def _field(text: str) -> str:
    if text not in TALLY_FIELDS:
        raise ValueError
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise ValueError
    return int(text)


def _word(text: str) -> str:
    return quote(text, safe=_PLAIN, errors="surrogatepass") or _EMPTY_WORD


def _unword(word: str) -> str:
    return "" if word == _EMPTY_WORD else unquote(word, errors="surrogatepass")
