"""What must hold between a setting and another field of a body: engines refuse some values beside others that they take
alone, and such a refusal would hit every variant alike, so that no comparison shows it.

Sources: the engines' own checks of requests, and the documentation of OpenAI's and Anthropic's APIs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """How a setting's number must stand to the number of the other field.

    Sampled: a setting above 1 goes only with another number above GREEDY, as several samples do with a temperature.
    Never: no number goes with what `only_if` names.
    """

    AT_LEAST = "AtLeast"
    ABOVE = "Above"
    AT_MOST = "AtMost"
    BELOW = "Below"
    SAMPLED = "Sampled"
    NEVER = "Never"


GREEDY = 1e-5
"""The temperature below which vLLM chooses the likeliest token, and refuses to do so several times."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A setting is written only where this holds; a field that the body does not have forbids nothing.

    path: of the other field, keys from the body's root. reads_text: whether a number in quotes is one to the engine.
    only_if: a path and the value there without which the engine does not look at the field; None where it always does.
    """

    relation: Relation
    path: tuple[str, ...]
    reads_text: bool = False
    only_if: tuple[tuple[str, ...], str | bool] | None = None


THINKS = (("thinking", "type"), "enabled")
"""Where a client of the Messages API lets the model think."""

MIN_TOKENS = Guard(Relation.AT_LEAST, ("min_tokens",), reads_text=True)
"""vLLM and SGLang: a cap is no smaller than the least number of tokens."""
TEMPERATURE = Guard(Relation.SAMPLED, ("temperature",), reads_text=True)
"""vLLM. Without a temperature its default counts, which the operator's own question to the engine tries."""
BEST_OF = Guard(Relation.AT_MOST, ("best_of",))
"""OpenAI's completions: no more samples are given back than are made."""
ABOVE_BUDGET = Guard(Relation.ABOVE, ("thinking", "budget_tokens"), only_if=THINKS)
"""Anthropic's messages, and vLLM's: the cap holds thinking and answer."""
BELOW_CAP = Guard(Relation.BELOW, ("max_tokens",))
"""The same, for the budget."""
REASONING_SHOWN = Guard(Relation.NEVER, ("include_reasoning",), only_if=(("include_reasoning",), False))
"""vLLM 0.32.0, as it ran: where reasoning is left out it holds thinking to the form of the answer, too, and fails with
500 when a budget ends the thinking."""
