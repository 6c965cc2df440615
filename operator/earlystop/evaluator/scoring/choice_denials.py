"""Letters of a multiple-choice answer that it denies, doubts or only supposes. Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.choice_letters import LETTER, NOUN, letters_in

_VERDICT = (
    r"(?:also |clearly |simply |all |both |thus |therefore )?"
    r"(?:wrong|incorrect|false|ruled out|eliminated|impossible|out\b)"
)
_WRONG_ELSEWHERE = r"nicht|falsch|faux|fausse|incorrec\w*|fals[ao]|errad[ao]|sbagliat[ao]|errat[ao]"
_NOT_IN_CHINESE = (
    r"(?:不(?:能|要|会|會|可|可能|可以|应|應|应该|應該|该|該|必|宜)?|别|別|勿|并非|並非|排除)"
    r"(?:再)?(?:是|为|為|选择|選擇|选|選)?"
)
_DENIED_AFTERWARDS = (
    r"是?(?:错误|錯誤|不正确|不正確|不对|不對|错|錯)"
    r"|(?:では|じゃ)(?:ない|なく|ありません|ございません)|は(?:違|誤り|間違|不正解|正しくな)"
    r"|(?:번)?(?:이|가|은|는)?\s*(?:아니|아닌|아닙|아님|틀린|틀렸|틀립|오답)"
    r"|(?:सही )?नहीं|गलत"
)
"""What denies the letter before it, in Chinese, Japanese, Korean and Hindi."""
_DENIED = re.compile(
    rf"(?:(?i:\b(?:can)?not|n't|\bnever|\binstead of|\brather than|\bneither|\bnor|\bexcept|\bexcluding|\bnicht|\bpas"
    rf"|\bno es|\bnão é|\bnon è|\bне|\bbukan|\bkhông|لي(?:ست|س))\s+(?:(?i:be|choose|pick|select|say|go with"
    r"|(?:think|believe)(?: that)?(?: it(?:'s| is))?"
    rf"|ser|être|sein|phải(?: là)?|là|chọn)\s+)?|{_NOT_IN_CHINESE}\s*)"
    rf"{NOUN}{LETTER}(?:\s*(?:,\s*)?(?:or|nor)\s+{NOUN}{LETTER}){{0,8}}"
    rf"|(?i:\b(?:none of|(?:all|everything|anything|any|each) (?:but|except)))\s+{NOUN}{LETTER}"
    rf"(?:\s*(?:,\s*(?:and\s+|or\s+)?|and\s+|or\s+){NOUN}{LETTER}){{0,8}}"
    rf"|{NOUN}{LETTER}(?:(?:\s*,|\s+and|\s+or|\s+nor|\s*,\s*and)\s+{NOUN}{LETTER}){{0,8}}"
    rf"\s+(?:is|are|was|were|can|could|would|must|should|may|does|do|did|has|have)\s*(?:not\b|n't|never\b|{_VERDICT})"
    rf"|{NOUN}{LETTER}(?:\s+(?:ist|est|es|è|é)\s+(?:{_WRONG_ELSEWHERE})|\s*(?:{_DENIED_AFTERWARDS}))"
    rf"|{NOUN}{LETTER}\s*[?？]"
)
_SUPPOSED = re.compile(
    r"(?i:\b(?:(?:initially|originally|at first(?: glance| sight)?|(?:I )?first thought),?"
    r"|if|suppose|supposing|assume|assuming|doubt(?:s|ful)?|unlikely|unclear|unsure|whether|not the case"
    r"|(?:not|n't) (?:quite |entirely |at all )?(?:sure|certain|convinced|clear)"
    r"|(?:false|untrue|wrong|incorrect|(?:not|n't) (?:true|right|correct)) (?:that|to (?:say|think|claim|choose|pick))"
    r"|(?:(?:some|every|any)(?:one|body)|(?:some|many|most) (?:people|students)|some|many|most|people|students|others)"
    r"(?: (?:may|might|would|could|often|sometimes|usually|commonly|will))? ?"
    r"(?:think|say|answer|pick|choose|guess|believe|expect)s?"
    r"|(?:you|one) (?:may|might|could) (?:think|say|guess|believe))\b)"
    rf"(?:(?!\b(?i:then|but|so)\b)[^.!?\n;,]){{0,50}}?\s{NOUN}{LETTER}"
)
"""A letter that is only supposed, doubted, or what others would say."""
_CONTRARY = re.compile(
    r"(?i:\bif\b[^.!?;\n]{0,100}\b(?:were|was|had|did)\b[^.!?;\n]{0,100}\bwould (?:have been|be)\s+)"
    rf"{NOUN}{LETTER}"
    rf"|(?i:\bwould (?:have been|be)\s+){NOUN}{LETTER}"
    r"(?=\s+(?i:if\b(?! I )[^.!?;\n]{0,100}\b(?:were|was|had|did|didn't)\b))"
    r"|(?i:\b(?:let's|let us|first|now|next|I'll)\s+(?:consider|examine|check|evaluate|analy[sz]e|look at)\s+)"
    rf"{NOUN}{LETTER}"
)
"""A letter that would be right if things were otherwise, or that is only looked at."""
_DENIAL = "\0"
"""Stands where a letter was denied."""
_INSTEAD = re.compile(
    rf"{_DENIAL}\s*(?:,?\s*\b(?i:but(?: rather| instead)?|rather|instead|so|sino|sondern|mais|mas|ma|bensì)\b|[.:;—]|라"
    rf"|,?\s*(?:而是|应该是|應該是|应为|應為)|(?=\S(?:です|だ)))\s*(?:(?i:it's|it is)\s+)?"
    rf"{NOUN}({LETTER})\s*(?:です|だ|입니다|이다)?\s*[.!]?\s*$"
)
"""What an answer names at its end in place of a letter that it denies, as in "Not A but B."."""


def without_denied(text: str) -> str:
    """The text without the letters that it denies, doubts or only supposes."""
    return _DENIED.sub(" ", _SUPPOSED.sub(" ", _CONTRARY.sub(" ", text)))


def named_instead(text: str) -> str | None:
    """The letter that the text names at its end in place of one that it denies, None where it names none so."""
    instead = _INSTEAD.search(_DENIED.sub(_DENIAL, text))
    return letters_in(instead[1]) if instead else None
