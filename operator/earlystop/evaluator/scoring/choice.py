"""The letter of a multiple-choice answer, out of a sentence. Pure and total.

Ways of stating one follow MMLU, MMLU-Pro and ARC graders: "The answer is (B).", "**C**", "B) Paris", "Option D", "A is
correct", a last line that is a letter. Letters that the answer denies do not count; two letters are none.
"""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.boxes import standing_boxed
from earlystop.evaluator.scoring.choice_denials import named_instead, without_denied
from earlystop.evaluator.scoring.choice_letters import BEGINS, ENDS, LETTER, NOUN, NOUNS, WORD, letters_in
from earlystop.evaluator.scoring.choice_text import plain_choice
from earlystop.evaluator.scoring.corrections import corrections
from earlystop.evaluator.scoring.stated import CUE, MOST_CHARACTERS, after_hashes

_AFTER_CUE = re.compile(rf"[\s:\"']*(?:,?\s*but\s+(?:rather\s+)?)?{NOUN}({LETTER})")
_SMALL_AFTER_CUE = re.compile(
    rf"[\s:\"']*(?:,?\s*but\s+(?:rather\s+)?)?{NOUN}(?:\(([a-z])\)|([a-z])(?=\))|([b-hj-z])(?=\s*[.!]?\s*$))"
)
_MORE = re.compile(
    rf"\s*(?:,\s*(?:and|or)?|/|&|\+|and|or|y|et|ou|und|oder|和|与|或|及|と|и)\s*"
    rf"(?:(?:maybe|perhaps|possibly|likely|probably|even|also)\s+)?{NOUN}({LETTER})"
)
_WHOLE = re.compile(
    r"\s*(?:[-*>•:=]\s+|[0-9]{1,2}\.\s+)?[(\[{]?\s*([A-Za-z])\s*[)\]}]?\s*(?:です|だ|입니다|이다)?\s*[.:,;!]?\s*"
)
_SENTENCE = re.compile(rf"(?:^|(?<=[.!?;])\s)\s*(?:(?i:so|hence|thus|therefore)\b[,:]?\s+)?({LETTER})\s*(?:[.!;]|$)")
"""A sentence that is a letter and nothing else."""
_LABELLED = re.compile(
    r"^\s*(?:\(([A-Z])\)|\[([A-Z])\]|([A-Z])[).:](?=\s)|([A-Z])\s+[-—|](?=\s))(?=\s*\S)", re.MULTILINE
)
_CHOSEN = (
    rf"(?i:(?:first|second|third|fourth|fifth|last) (?:option|choice|answer),"
    rf"|{NOUNS}|cevap|ответ|उत्तर|choose|chose|select|pick|I(?: would|'d|'ll| must)? say|go with"
    r"|going with|settled? on|lean(?:ing)? towards?|opt(?:ed)? for"
    r"|it's|it is|it (?:must|should|would) be|likely|probably"
    r"|I (?:think|believe|guess)(?: that)?|clearly|obviously|evidently|answer's|c'est(?: la)?|es la|è la|je to|это"
    r"|definitely|certainly|surely|looks like|leav(?:es|ing)(?: us with| only)?|left with|(?:richtig|korrekt) ist|คือ"
    r"|(?<!if )(?:so|thus|hence|therefore|consequently),?|conclude|(?:above|reasons?|analysis|reasoning|elimination"
    r"|of (?:these|those|them|all)),)"
)
_CONCLUSION = re.compile(
    r"(?<![^.!?\n])(?![^.!?\n]*\b(?i:not?|none|never|nobody|nothing|neither|hardly|doubt|cannot)\b)"
    rf"(?![^.!?\n]*n't\b)[^.!?\n]*\b(?:is|be|remains|leaves|with|at)\s+({LETTER})\s*[.!]?\s*$"
)
"""How a last sentence ends that names its letter and nothing after it; one that denies names none."""
_OPTION = re.compile(rf"(?<![A-Za-z]){_CHOSEN}\s*(?<![A-Za-z])({LETTER})")
_SMALL_OPTION = re.compile(r"\b(?i:option|choice|letter)\s+(?:\(([a-z])\)|([b-hj-z])(?=\s*(?:[.,:;!]|$)))")
_RIGHT = ("true", "correct", "right", "yes")
"""Verdicts that call an option right; the others of `_JUDGED` call it wrong."""
_REFERRED = re.compile(
    r"(?:\b(?:in|like|unlike|under|from|see|(?:similar|compared|analogous|identical|opposed) to) (?:the )?|\()$",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    rf"(?:^|(?<=[\s;,.(\[|]))([A-Z])(?:[)\]]?\s*[:.=|–—-]+|[)\]]|\s+is)\s*"
    rf"((?i:incorrect|correct|true|false|right|wrong|yes|no))(?![{WORD}])",
    re.MULTILINE,
)
_CORRECT = re.compile(
    rf"({LETTER})(?:\s+(?:is|must be|would be|seems|looks|appears to be)\s+"
    r"(?:the\s+|clearly\s+|indeed\s+|most\s+|only\s+)*"
    r"(?:correct|right|true|best|better (?:supported|answer|choice|option|pick|one)"
    r"|the only (?:option|choice)\b(?![^.!?\n]*(?:\b(?:not|wrong|false|incorrect|never|fails?)\b|n't\b))"
    r"|more (?:precise|accurate|likely|plausible|appropriate|specific)(?! than)"
    r"|my (?:pick|choice|answer)|answer|one"
    r"|most (?:likely|plausible|probable|appropriate)|what I(?:'d| would) (?:choose|pick|say))\b"
    r"(?! if\b| only if\b)"
    r"|\s+the (?:correct |right |best |only )?(?:answer|choice|option|one)\b(?! is)"
    r"|\s+(?:fits|works|matches) best\b|\s+is better(?=\s*[.!]?\s*$)|\s+it is(?=\s*[.!]?\s*(?:$|\n))"
    r"|\s+(?:es|est|è|é|ist)\s+(?:(?:la|el|le|a|o|il|die|der)\s+)?(?:bonne\s+)?"
    r"(?:correct[aoe]|just[aoe]|bonne|certa|corrett[ao]|giust[ao]|esatt[ao]|richtig\w*|korrekt\w*|réponse|respuesta)\b"
    r"|\s*(?:选项|選項)?是?(?:正确|正確|对的|對的)"
    r"|\s*(?:が|は|이|가|은|는)?\s*(?:正解|正しい|정답|맞|옳))"
)
_MOST_IN_A_LINE = 120
_REPLACED = re.compile(
    rf"{NOUN}({LETTER})(?=\s*(?:[.!\n]|$)|\s+(?:is|must be) (?:the )?(?:correct|right|answer|one|best)\b)"
)
_OPENING = re.compile(r"\s*([A-Z])(?=\s*[.,;:]\s|\s*\n|\s+because\b|\s+-\s|\s+\()")
_ANY_WORD = r"[^\W\d_](?:[^\W\d_]|[\u0900-\u0eff])*"  # the signs for vowels of India and Thailand are no letters
_LABELLED_TEXT = (
    r"(?:([A-Z])[.:)]|\(([A-Z])\)[.:]?)\s+"
    r"(?!(?:It|This|That|The|These|They|However|Therefore|Thus|So|Because|Since|We|In|As|And|But|Which|When|Its|An?)\b)\S.*$"
)
"""An option as the question lists it, to the end of its line."""
_CONCLUDED = re.compile(rf"\b(?:is|are|be)\s*:?\s*{NOUN}{_LABELLED_TEXT}")
_SEVERAL = re.compile(rf"\b(?:is|are)\s+{NOUN}({LETTER})(?=[^a-z]*\b(?:and|or)\b[^a-z]*$)")
_ALONE = re.compile(rf"{NOUN}{_LABELLED_TEXT}")
_SET_ASIDE = re.compile(
    r"\b(?:excluded|eliminated|rejected|discarded|ruled out|second|runner-up|distractors?|traps?|errors?|mistakes?"
    r"|avoid|(?:may|might|could)(?= be\b)|wrong (?:options?|choices?|answers?|ones?)"
    r"|(?:options|choices|ones) (?:that )?(?:are|were))\b|\b(?:options|choices):",
    re.IGNORECASE,
)
"""Before an option that is listed, supposed or left out, and not chosen."""
_OTHER_LETTER = re.compile(rf"{BEGINS}[A-HJ-Z]{ENDS}")
_VALUE = re.compile(r"[-+0-9.,\s]{1,40}")
"""What a box holds that an answer has calculated before it chooses."""
_FINAL_LINE = re.compile(
    r"^(?!.*\b(?i:not?|none|never|except|but|nicht|pas|non|nie|ne|không|bukan|wrong|incorrect|false|rejected|eliminated"
    r"|excluded|ruled|out|falsch|faux|incorrecto|errado|sbagliato|misleading)\b)"
    rf"{_ANY_WORD}(?: {_ANY_WORD}){{0,3}}\s*(?:[:：=]|[-—]\s)\s*({LETTER})\s*[.!]?$"
)
"""A last line that is a few words, a colon and a letter, in whatever language."""
_BRACKETED = re.compile(r"(?<![\w)])(\([A-Z]\)|\[[A-Z]\])(?!-\w|\()")
"""Not the signs of chemistry, as in (R)-2-methoxy and CH(F)."""
_SMALL_LABELLED = re.compile(r"^\s*(?:\(([a-z])\)|(?!e\. ?g\.|i\. ?e\.)([a-z])[).])\s+\S", re.MULTILINE)


def choice_letter(text: str) -> str | None:
    """The one letter A to Z that an answer chooses, None where it chooses none or several."""
    text = text[-MOST_CHARACTERS:]
    boxed = standing_boxed(text)
    if boxed is not None:
        text = text[text.rfind("boxed") :] if _VALUE.fullmatch(boxed) else boxed
    text = plain_choice(text)
    line = after_hashes(text)
    text = text if line is None else line
    whole = _WHOLE.fullmatch(text)
    if whole:
        return whole[1].upper()
    remaining = without_denied(text)
    corrected = _corrected(remaining)
    if corrected:
        return corrected
    for read in (_concluded, _after_cue, _last_line, _judged, _labelled, _named, _small_labelled):
        found = read(remaining)
        if found:
            return found.pop() if len(found) == 1 else None
    return named_instead(text)


def is_choice(gold: str) -> bool:
    """Whether a gold answer is one capital letter, alone or in brackets."""
    return re.fullmatch(r"\s*(?:\(\s*[A-Z]\s*\)|\[\s*[A-Z]\s*\]|[A-Z][.):]?)\s*", plain_choice(gold)) is not None


def gold_letter(gold: str) -> str | None:
    """The letter of a gold answer, in any case; None where it is no single letter."""
    whole = _WHOLE.fullmatch(plain_choice(gold))
    return whole[1].upper() if whole else None


def _corrected(text: str) -> str:
    """The letter by which an answer replaces what it stated before, "" where there is none."""
    cues = list(CUE.finditer(text))
    for start in corrections(text, cues[-1].end() if cues else 0):
        if found := _REPLACED.match(text, start):
            return letters_in(found[1])
    return ""


def _after_cue(text: str) -> set[str]:
    """The letters right after the last "the answer is" that has one there."""
    for cue in reversed(list(CUE.finditer(text))):
        if first := _AFTER_CUE.match(text, cue.end()):
            if "\n" in text[cue.start() : first.start(1)] and _begins_list(text, first.start(1)):
                continue
            return _with_alternatives(text, first)
        if small := _SMALL_AFTER_CUE.match(text, cue.end()):
            return {(small[1] or small[2] or small[3]).upper()}
    return set()


def _begins_list(text: str, start: int) -> bool:
    """Whether this line and the next one begin with a letter each, as a list of all choices does; or this one with A,
    and a later one with B."""
    _, _, rest = text[start:].partition("\n")
    if _LABELLED.match(rest.lstrip("\n")):
        return True
    letters = [next(filter(None, line.groups())) for line in _LABELLED.finditer(rest)]
    return bool(re.match(r"[(\[]?A\b", text[start:])) and "B" in letters


def _with_alternatives(text: str, first: re.Match[str]) -> set[str]:
    return {letters_in(first[1])} | _alternatives(text, first.end())


def _alternatives(text: str, end: int) -> set[str]:
    """The letters that go on from a letter, as in "B or C"."""
    letters: set[str] = set()
    while more := _MORE.match(text, end):
        letters.add(letters_in(more[1]))
        end = more.end()
    return letters


def _judged(text: str) -> set[str]:
    """The letters that a list of verdicts on two or more options calls right, as "A: False. B: True." does."""
    verdicts = [(each[1], each[2].lower() in _RIGHT) for each in _JUDGED.finditer(text)]
    return {letter for letter, is_right in verdicts if is_right} if len(verdicts) > 1 else set()


def _labelled(text: str) -> set[str]:
    """The letters that begin a line, as in "B) Paris"; a list of all choices has several."""
    opening = _OPENING.match(text)
    if not opening and not _LABELLED.match(text):
        return set()
    found = _with_alternatives(text, opening) if opening else set()
    for line in _LABELLED.finditer(text):
        found |= {letter for letter in line.groups() if letter} | _alternatives(text, line.end())
    return found


def _small_labelled(text: str) -> set[str]:
    """The small letter that begins the text, as in "b) Paris", or is called an option; a list has several."""
    if named := list(_SMALL_OPTION.finditer(text)):
        return {(each[1] or each[2]).upper() for each in named}
    if not _SMALL_LABELLED.match(text):
        return set()
    return {(line[1] or line[2]).upper() for line in _SMALL_LABELLED.finditer(text)}


def _last_line(text: str) -> set[str]:
    """The letter that is the last line; with other lines that are letters, all of them."""
    lines = text.split("\n")
    alone = [found[1] for line in lines if (found := _WHOLE.fullmatch(line)) and found[1].isupper()]
    if _WHOLE.fullmatch(lines[-1]):
        return set(alone)
    sentences = list(_SENTENCE.finditer(lines[-1]))
    if sentences and not lines[-1][sentences[-1].end() :].strip():
        return {letters_in(each[1]) for each in sentences}
    final = _FINAL_LINE.match(lines[-1].strip()) if len(lines[-1]) < _MOST_IN_A_LINE else None
    return {letters_in(final[1])} if final else set()


def _concluded(text: str) -> set[str]:
    """The option that the last line is or ends with, as in "Hence the ratio is C. 0.53", or all letters that it ends
    with; none where it says "the answer is"."""
    before, last = (["", ""] + [line.strip() for line in text.split("\n") if line.strip()])[-2:]
    if CUE.search(last):
        return set()
    if several := _SEVERAL.search(last):
        return _with_alternatives(last, several)
    found = _ALONE.match(last) if before.endswith(":") else None
    lead = before if found else last
    found = found or _CONCLUDED.search(last)
    if found is None:
        return set()
    named = found.start(1 if found[1] else 2)
    if last.endswith("?") or _SET_ASIDE.search(last[:named] if lead is last else lead):
        return set()
    return set() if _OTHER_LETTER.search(last, named + 2) else {last[named]}


def _named(text: str) -> set[str]:
    """The letters that are called correct, called an option, or stand in brackets: in this order of preference."""
    for pattern in (_CORRECT, _OPTION, _BRACKETED, _CONCLUSION):
        named = list(pattern.finditer(text))
        if pattern is _OPTION:
            named = _chosen(text, named)
        found: set[str] = set()
        for each in named:
            found |= {letters_in(each[1])} if pattern is _BRACKETED else _with_alternatives(text, each)
        if found:
            return found
    return set()


def _chosen(text: str, named: list[re.Match[str]]) -> list[re.Match[str]]:
    """Those that are not only referred to, as in "similar to option A"; where there are no others, those in the last
    paragraph."""
    chosen = [each for each in named if not _REFERRED.search(text[max(0, each.start() - 20) : each.start()])]
    return chosen or [each for each in named if "\n" not in text[each.start() :].rstrip()]
