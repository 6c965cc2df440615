"""Makes the recordings that come with the package: `python -m earlystop.demo.generate > recordings.jsonl`.

The set is invented, but it answers to the window as recordings of a real model do. Most questions are
answered well by any sample, some by the majority only, and some are wrong however long one samples. So a
window of 5 keeps the Exact Match of 40 and saves most tokens, while a lone sample loses clearly.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEED = 20240115
SAMPLES = 40
WORDS = 4

_ONSETS = ("b", "d", "f", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "dr", "st", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "eo")
# Consonants alone: four of them never spell a word, an article least of all.
_ENDINGS = ("d", "k", "l", "m", "n", "r", "s", "t", "v", "z")

_SILENT = "The letters are not clear to me."
_SILENT_SHARE = 0.04
_PHRASES = (
    "{letters}: the answer is {answer}.",
    "The last letters are {letters}. The answer is {answer}.",
    "Taking the last letter of each word gives {letters}. So the answer is: '{answer}'",
    "A first guess for the answer is {slip}, but in order they are {letters}, so the answer is {answer}.",
)
_PHRASE_SHARES = (0.40, 0.40, 0.15, 0.05)


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How often a question stands in the set, and how often a sample gives which answer.

    right, first_slip, second_slip: probabilities that sum to 1.
    """

    questions: int
    right: float
    first_slip: float
    second_slip: float


DIFFICULTIES = (
    Difficulty(questions=180, right=0.985, first_slip=0.010, second_slip=0.005),
    Difficulty(questions=66, right=0.740, first_slip=0.150, second_slip=0.110),
    Difficulty(questions=54, right=0.070, first_slip=0.850, second_slip=0.080),
)


def generate(seed: int = SEED) -> Iterator[str]:
    """The lines of the set, without line ends: the same for the same seed on every Python version."""
    rng = random.Random(seed)
    difficulties = [each for each in DIFFICULTIES for _ in range(each.questions)]
    # A random key for each instead of shuffle(): only random() is promised to stay the same over versions.
    order = sorted((rng.random(), number) for number in range(len(difficulties)))
    seen: set[str] = set()
    for _, number in order:
        names = _unseen_names(rng, seen)
        yield json.dumps(_recording(rng, names, difficulties[number]), separators=(",", ":"))


def _recording(rng: random.Random, names: Sequence[str], difficulty: Difficulty) -> dict[str, object]:
    right = "".join(name[-1] for name in names)
    # Two usual slips: letters in the wrong order, and a letter from inside a word.
    first_slip = right[:-2] + right[-1] + right[-2]
    second_slip = right[:1] + names[1][0].lower() + right[2:]
    answers = (right, first_slip, second_slip)
    shares = (difficulty.right, difficulty.first_slip, difficulty.second_slip)
    said = [_say(rng, _draw(rng, answers, shares), first_slip) for _ in range(SAMPLES)]
    texts = list(dict.fromkeys(said))
    return {
        "question": f'Take the last letters of each word in "{" ".join(names)}" and concatenate them.',
        "answer": right,
        "texts": texts,
        "samples": [texts.index(text) for text in said],
    }


def _say(rng: random.Random, answer: str, slip: str) -> str:
    if rng.random() < _SILENT_SHARE:
        return _SILENT
    phrase = _draw(rng, _PHRASES, _PHRASE_SHARES)
    return phrase.format(letters=" ".join(answer), answer=answer, slip=slip)


def _unseen_names(rng: random.Random, seen: set[str]) -> tuple[str, ...]:
    """Names that are no earlier question's, and whose slips differ from the right answer and each other."""
    while True:
        names = tuple(_name(rng) for _ in range(WORDS))
        ends = [name[-1] for name in names]
        key = " ".join(names)
        if len({*ends}) == WORDS and names[1][0].lower() not in ends and key not in seen:
            seen.add(key)
            return names


def _name(rng: random.Random) -> str:
    syllables = "".join(_pick(rng, _ONSETS) + _pick(rng, _VOWELS) for _ in range(2))
    return (syllables + _pick(rng, _ENDINGS)).capitalize()


def _pick(rng: random.Random, choices: Sequence[str]) -> str:
    return choices[int(rng.random() * len(choices))]


def _draw(rng: random.Random, choices: Sequence[str], shares: Sequence[float]) -> str:
    """One of the choices with these probabilities; the last one takes what rounding leaves."""
    left = rng.random()
    for choice, share in zip(choices, shares, strict=True):
        left -= share
        if left < 0:
            return choice
    return choices[-1]


if __name__ == "__main__":
    sys.stdout.writelines(line + "\n" for line in generate())
