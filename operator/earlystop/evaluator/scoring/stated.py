"""Where a text states its answer: the box, the line after ####, the words after "the answer is". Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.boxes import standing_boxed
from earlystop.evaluator.scoring.latex import last_boxed
from earlystop.evaluator.scoring.numbers import prepared

MOST_CHARACTERS = 10_000
"""Of an answer's end that are searched; an answer that is stated before them is not found."""
_IS = r"(?:[-=]>|[:=]|→|⇒|[\]】](?=\s*[^\s:：]))"
"""What may stand between "answer" and the answer, in any language."""
_OTHER_LANGUAGES = (
    rf"(?:答案|解答|正答|正确的?选项|正解|答え)\s*(?:应该|應該|应|應)?\s*(?:是|为|為|は|{_IS})\s*"
    r"|(?:故|所以|因此|应|應|应该|故应)?\s*(?:选择|選擇|选|選)(?![项項择擇举舉])\s*:?\s*"
    rf"|(?:정답|답)\s*(?:은|는|{_IS})\s*"
    r"|\b(?:respuesta|réponse|antwort|risposta|resposta|antwoord|svar|svaret|odpowiedź|odpověď|cevap|ответ|відповідь"
    r"|jawaban|jawapan|đáp án|الإجابة|الجواب|उत्तर|opción|alternativa|opção)(?: (?!\w\b)\w+){0,2}\s*"
    rf"(?:(?:es|est|ist|è|é|lautet|is|är|er|to|je|adalah|là|هي|هو|है)\b|{_IS}|[-—](?= ))\s*"
)
CUE = re.compile(
    rf"(?:{_OTHER_LANGUAGES}"
    r"|\bans\s*(?:[:=]|\.(?=\s*[(\[]?\s*\S+\s*$))\s*"
    r"|(?<!each )(?<!every )\b(?:answer|result|solution|choice|option|decision|verdict|selection"
    r"|(?:(?<=right )|(?<=correct )|(?<=best ))one)"
    r"(?: (?:choice|option|letter|to (?:the|this|your) (?:question|problem)))?"
    r"(?: (?:from|among|out of|of|based on|given|considering)(?: (?:the|these|those|all|any|given|available|provided"
    r"|listed|above|following|remaining)){0,3} (?:options?|choices?|alternatives?|information|analysis|list)"
    r"(?: (?:given|provided|listed|above|available))?)?"
    r"(?:\s*\((?=[^()\n]{0,40}[a-z]{2})[^()\n]{1,40}\))?"
    rf"[\"']?\s*(?:(?:is|was|equals|would be|should be|must be|will be|comes to)\b\s*[:=]?|{_IS}|-(?= ))\s*)"
    r"(?:,?\s*(?:indeed|therefore|thus|then|clearly|simply|approximately|about|roughly|exactly|equal to|the number"
    r"|in fact|actually|(?:most )?(?:likely|probably)(?: to be)?|definitely|certainly|surely|obviously|only|just"
    r"|for sure|for certain|without (?:a |any )?doubt|undoubtedly|of course)\b,?\s*)?",
    re.IGNORECASE,
)
_ONE_NUMBER = re.compile(r"[-+]?[$€£]?[-+]?[0-9][0-9.,/ ]{0,40}%?")
_LEAD = re.compile(
    r"\s*(?:####|(?:(?:so|thus|hence|therefore|then|ok|okay|sure|well|and)\b,?\s*)?"
    r"(?:(?:the|my|our|a|final|correct|right|best|die|das|la|el|il|o|het)\s+)*" + CUE.pattern + r")\s*",
    re.IGNORECASE,
)


def searched(text: str) -> str:
    """The part of an answer in which a statement is looked for: its end, or what its last box holds."""
    end = text[-MOST_CHARACTERS:]
    boxed = standing_boxed(end)
    return end if boxed is None else boxed


def after_hashes(text: str) -> str | None:
    """The line after the last ####, as GSM8K writes its answers (Cobbe et al. 2021, arXiv:2110.14168).

    With more text below it, it is a heading of Markdown, unless it is one number.
    """
    _, hashes, rest = text.rpartition("####")
    line, _, below = rest.strip().partition("\n")
    return line if hashes and line and (not below.strip() or _ONE_NUMBER.fullmatch(line.strip())) else None


def whole_statement(text: str) -> str | None:
    """The answer where the whole text states it and says nothing else, as in "The answer is **42**."."""
    if len(text) > MOST_CHARACTERS:
        return None
    boxed = last_boxed(text)
    if boxed is not None:
        text = re.sub(r"\\(?:boxed|fbox)\s*\{" + re.escape(boxed) + r"\}", lambda _: boxed, text)
    text = prepared(text).strip()
    if lead := _LEAD.match(text):
        text = text[lead.end() :]
    return text.strip().rstrip(".!").strip().strip("\"'").strip()
