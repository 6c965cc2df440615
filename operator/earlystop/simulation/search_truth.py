"""What is supposed to be true of every setting of a search: a curve, as a file has it or as a test supposes it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from earlystop.simulation.planning import ensure_rates

BASELINE = "baseline"
COLUMNS = ["setting", "em", "tokens"]
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
"""As spreadsheets and programs write one; `float` takes 1_0 and digits of other scripts as well."""


@dataclass(frozen=True, slots=True)
class TrueSetting:
    """name: of the setting. em_loss: the baseline's Exact Match minus its own. saving: share of tokens, below 1."""

    name: str
    em_loss: float
    saving: float


@dataclass(frozen=True, slots=True)
class TrueCurve:
    """What is true of a baseline and of settings.

    baseline_em: 0..1. mean_tokens: of the baseline, > 0. settings: any number, each with an Exact Match of 0..1.
    spread: standard deviation of tokens over their mean. least_discordance, discordance_of_loss: where answers are
    paired, so many of them just one variant has right: the first, and the second times the loss. Raises ValueError
    where an Exact Match is none.
    """

    baseline_em: float
    mean_tokens: float
    settings: tuple[TrueSetting, ...]
    spread: float = 0.8
    least_discordance: float = 0.01
    discordance_of_loss: float = 1.5

    def __post_init__(self) -> None:
        for each in self.settings:
            ensure_rates(self.baseline_em, each.em_loss)

    def keeps(self, index: int, margin: float, minimum_saving: float) -> bool:
        """Whether a setting is one that may be certified."""
        return self.settings[index].em_loss <= margin and self.settings[index].saving >= minimum_saving

    def best(self, margin: float, minimum_saving: float) -> int | None:
        """Index of the setting that saves most of those that may be certified, None where none may."""
        sound = [index for index in range(len(self.settings)) if self.keeps(index, margin, minimum_saving)]
        return max(sound, key=lambda index: self.settings[index].saving, default=None)

    def in_order_of(self, names: Sequence[str]) -> TrueCurve:
        """The same curve with its settings in this order. Raises ValueError, naming those that the file lacks."""
        known = {each.name: each for each in self.settings}
        lacking = [name for name in names if name not in known]
        if lacking:
            raise ValueError(
                f"The curve has no row for {', '.join(lacking[:5])}{' and others' if len(lacking) > 5 else ''}. Write "
                f"one for each setting that may be tried; it has {', '.join(known) or 'none'}."
            )
        settings = tuple(known[name] for name in names)
        return TrueCurve(self.baseline_em, self.mean_tokens, settings, self.spread)


def read_curve(text: str) -> TrueCurve:
    """A curve from CSV with the columns setting, em and tokens (mean output tokens), and a row for `baseline`.

    Raises ValueError with a sentence that says which line is wrong and what to write.
    """
    rows = csv.reader(StringIO(text, newline=None), skipinitialspace=True)
    try:
        read = _rows(rows)
    except csv.Error as error:
        raise ValueError(f"Line {rows.line_num} of the curve is no line of a CSV file ({error}).") from None
    if BASELINE not in read:
        raise ValueError(f"The curve has no row for the baseline. Write one whose setting is {BASELINE}.")
    baseline_em, mean_tokens = read.pop(BASELINE)
    settings = (TrueSetting(name, baseline_em - em, 1 - tokens / mean_tokens) for name, (em, tokens) in read.items())
    return TrueCurve(baseline_em, mean_tokens, tuple(settings))


def _rows(rows: Any) -> dict[str, tuple[float, float]]:
    """Exact Match and mean tokens by setting. rows: a reader of the csv module, which raises its own errors."""
    header = [cell.strip() for cell in next(filter(_is_filled, rows), [])]
    if header != COLUMNS:
        raise ValueError(f"The first line of the curve is {', '.join(header)!r}. Write {', '.join(COLUMNS)}.")
    read: dict[str, tuple[float, float]] = {}
    for row in filter(_is_filled, rows):
        name, em, tokens = _row(rows.line_num, row)
        if name in read:
            raise ValueError(f"Line {rows.line_num} of the curve is about {name} again. Write one row a setting.")
        read[name] = em, tokens
    return read


def _is_filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


def _row(line: int, row: Sequence[str]) -> tuple[str, float, float]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"Line {line} of the curve has {len(row)} cells. Write three: {', '.join(COLUMNS)}.")
    name, em, tokens = (cell.strip() for cell in row)
    if not name:
        raise ValueError(f"Line {line} of the curve names no setting. Write its name, or {BASELINE}.")
    if not all(map(NUMBER.fullmatch, (em, tokens))):
        raise ValueError(
            f"Line {line} of the curve has em {em!r} and tokens {tokens!r}. Write numbers, as 0.81 and 420."
        )
    rate, mean = float(em), float(tokens)
    if not 0 <= rate <= 1 or not 1 <= mean < 1e9:
        raise ValueError(
            f"Line {line} of the curve has em {em} and tokens {tokens}. Write 0 to 1, and 1 or more: the mean number "
            "of output tokens of an answer."
        )
    return name, rate, mean
