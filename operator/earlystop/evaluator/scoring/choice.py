"""The letter of a multiple-choice answer, out of a sentence. Pure and total.

Ways of stating one follow MMLU, MMLU-Pro and ARC graders: "The answer is (B).", "**C**", "B) Paris", "Option D", "A is
correct", a last line that is a letter. Letters that the answer denies do not count; two letters are none.
"""

from __future__ import annotations

import re
import unicodedata

from earlystop.evaluator.scoring.boxes import standing_boxed
from earlystop.evaluator.scoring.corrections import corrections
from earlystop.evaluator.scoring.latex import latex_as_text
from earlystop.evaluator.scoring.stated import CUE, MOST_CHARACTERS, after_hashes
from earlystop.evaluator.scoring.typography import plain_characters, without_markup

# A letter that is no word: after it come an end, a closing sign or a reason, so "A dog" and "I think" hold none.
_GOES_ON = (
    r"because|since|as|for|due|which|and|or|but|with|not|never|is|are|was|were|would|will|can|could|must|should|may|might"
    r"|do|does|did|has|have|had|ist|est|es|seems?|appears?|fits?|follows|holds|remains?|matches"
    r"|looks|works|here|şıkk\w*"
    r"|mais|mas|pero|aber|sondern|sino|non|rather than|instead of"
    r"|if|when|over|unless|though|although|while|whereas"
    r"|the (?:correct |right |best |only )?(?:answer|choice|option|one)"
)
# A letter's neighbours are looked at in Latin script alone: 答案是B and B입니다 hold a letter that stands by itself.
_WORD = r"0-9A-Za-z_\u00c0-\u024f\u0370-\u03ff\u0400-\u052f"
_BEGINS = rf"(?<![{_WORD}+#&-])(?<![{_WORD}]')"
_ENDS = (
    rf"(?=\s*(?:$|[\n.,;:!?)\]\"'—]|--|-\s)|\s+(?:\(|(?:{_GOES_ON}|it is)\b)"
    r"|'d[iıuü]r|\s?[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0600-\u06ff\u0900-\u097f])"
)
_PRONOUN = r"(?!I\s+(?:was|would|will|can|could|must|should|may|might|do|did|have|had)\b)"
_BARE = rf"{_BEGINS}{_PRONOUN}[A-Z](?![{_WORD}+#&/]|'(?!d[iıuü]r)[{_WORD}]|-[{_WORD}]|\.[A-Za-z]){_ENDS}"
_LETTER = rf"(?:\(\s*[A-Z]\s*\)|\[\s*[A-Z]\s*\]|\{{\s*[A-Z]\s*\}}|{_BEGINS}[A-Z]\)|{_BARE})"
_ARTICLE = r"the|la|el|le|die|der|il|o|a(?= [a-z])"
_NOUNS = (
    r"(?:options?|choices?|letters?|answers?|statements?|opción|opcion|letra|alternativa|inciso|opção|réponse|lettre"
    r"|antwort|buchstabe|lettera|opzione|选项|選項|вариант|pilihan)"
)
_NOUN = rf"(?:(?i:(?:(?:{_ARTICLE})\s+)?{_NOUNS})\s*|(?i:la|el|le|die|il)\s+)?"
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
    rf"{_NOUN}{_LETTER}(?:\s*(?:,\s*)?(?:or|nor)\s+{_NOUN}{_LETTER}){{0,8}}"
    rf"|(?i:\b(?:none of|(?:all|everything|anything|any|each) (?:but|except)))\s+{_NOUN}{_LETTER}"
    rf"(?:\s*(?:,\s*(?:and\s+|or\s+)?|and\s+|or\s+){_NOUN}{_LETTER}){{0,8}}"
    rf"|{_NOUN}{_LETTER}(?:(?:\s*,|\s+and|\s+or|\s+nor|\s*,\s*and)\s+{_NOUN}{_LETTER}){{0,8}}"
    rf"\s+(?:is|are|was|were|can|could|would|must|should|may|does|do|did|has|have)\s*(?:not\b|n't|never\b|{_VERDICT})"
    rf"|{_NOUN}{_LETTER}(?:\s+(?:ist|est|es|è|é)\s+(?:{_WRONG_ELSEWHERE})|\s*(?:{_DENIED_AFTERWARDS}))"
    rf"|{_NOUN}{_LETTER}\s*[?？]"
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
    rf"(?:(?!\b(?i:then|but|so)\b)[^.!?\n;,]){{0,50}}?\s{_NOUN}{_LETTER}"
)
"""A letter that is only supposed, doubted, or what others would say."""
_CONTRARY = re.compile(
    r"(?i:\bif\b[^.!?;\n]{0,100}\b(?:were|was|had|did)\b[^.!?;\n]{0,100}\bwould (?:have been|be)\s+)"
    rf"{_NOUN}{_LETTER}"
    rf"|(?i:\bwould (?:have been|be)\s+){_NOUN}{_LETTER}"
    r"(?=\s+(?i:if\b(?! I )[^.!?;\n]{0,100}\b(?:were|was|had|did|didn't)\b))"
    r"|(?i:\b(?:let's|let us|first|now|next|I'll)\s+(?:consider|examine|check|evaluate|analy[sz]e|look at)\s+)"
    rf"{_NOUN}{_LETTER}"
)
"""A letter that would be right if things were otherwise, or that is only looked at."""
_AFTER_CUE = re.compile(rf"[\s:\"']*(?:,?\s*but\s+(?:rather\s+)?)?{_NOUN}({_LETTER})")
_SMALL_AFTER_CUE = re.compile(
    rf"[\s:\"']*(?:,?\s*but\s+(?:rather\s+)?)?{_NOUN}(?:\(([a-z])\)|([a-z])(?=\))|([b-hj-z])(?=\s*[.!]?\s*$))"
)
_MORE = re.compile(
    rf"\s*(?:,\s*(?:and|or)?|/|&|\+|and|or|y|et|ou|und|oder|和|与|或|及|と|и)\s*"
    rf"(?:(?:maybe|perhaps|possibly|likely|probably|even|also)\s+)?{_NOUN}({_LETTER})"
)
_WHOLE = re.compile(
    r"\s*(?:[-*>•:=]\s+|[0-9]{1,2}\.\s+)?[(\[{]?\s*([A-Za-z])\s*[)\]}]?\s*(?:です|だ|입니다|이다)?\s*[.:,;!]?\s*"
)
_SENTENCE = re.compile(rf"(?:^|(?<=[.!?;])\s)\s*(?:(?i:so|hence|thus|therefore)\b[,:]?\s+)?({_LETTER})\s*(?:[.!;]|$)")
"""A sentence that is a letter and nothing else."""
_LABELLED = re.compile(
    r"^\s*(?:\(([A-Z])\)|\[([A-Z])\]|([A-Z])[).:](?=\s)|([A-Z])\s+[-—|](?=\s))(?=\s*\S)", re.MULTILINE
)
_CHOSEN = (
    rf"(?i:(?:first|second|third|fourth|fifth|last) (?:option|choice|answer),"
    rf"|{_NOUNS}|cevap|ответ|उत्तर|choose|chose|select|pick|I(?: would|'d|'ll| must)? say|go with"
    r"|going with|settled? on|lean(?:ing)? towards?|opt(?:ed)? for"
    r"|it's|it is|it (?:must|should|would) be|likely|probably"
    r"|I (?:think|believe|guess)(?: that)?|clearly|obviously|evidently|answer's|c'est(?: la)?|es la|è la|je to|это"
    r"|definitely|certainly|surely|looks like|leav(?:es|ing)(?: us with| only)?|left with|(?:richtig|korrekt) ist|คือ"
    r"|(?<!if )(?:so|thus|hence|therefore|consequently),?|conclude|(?:above|reasons?|analysis|reasoning|elimination"
    r"|of (?:these|those|them|all)),)"
)
_CONCLUSION = re.compile(
    r"(?<![^.!?\n])(?![^.!?\n]*\b(?i:not?|none|never|nobody|nothing|neither|hardly|doubt|cannot)\b)"
    rf"(?![^.!?\n]*n't\b)[^.!?\n]*\b(?:is|be|remains|leaves|with|at)\s+({_LETTER})\s*[.!]?\s*$"
)
"""How a last sentence ends that names its letter and nothing after it; one that denies names none."""
_OPTION = re.compile(rf"(?<![A-Za-z]){_CHOSEN}\s*(?<![A-Za-z])({_LETTER})")
_SMALL_OPTION = re.compile(r"\b(?i:option|choice|letter)\s+(?:\(([a-z])\)|([b-hj-z])(?=\s*(?:[.,:;!]|$)))")
_RIGHT = ("true", "correct", "right", "yes")
"""Verdicts that call an option right; the others of `_JUDGED` call it wrong."""
_REFERRED = re.compile(
    r"(?:\b(?:in|like|unlike|under|from|see|(?:similar|compared|analogous|identical|opposed) to) (?:the )?|\()$",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    rf"(?:^|(?<=[\s;,.(\[|]))([A-Z])(?:[)\]]?\s*[:.=|–—-]+|[)\]]|\s+is)\s*"
    rf"((?i:incorrect|correct|true|false|right|wrong|yes|no))(?![{_WORD}])",
    re.MULTILINE,
)
_CORRECT = re.compile(
    rf"({_LETTER})(?:\s+(?:is|must be|would be|seems|looks|appears to be)\s+"
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
_IN_SQUARES = {start + index: chr(ord("A") + index) for start in (0x1F150, 0x1F170) for index in range(26)}
"""Letters in dark circles and squares, for which Unicode has no plain form."""
_MOST_IN_A_LINE = 120
_DENIAL = "\0"
"""Stands where a letter was denied."""
_INSTEAD = re.compile(
    rf"{_DENIAL}\s*(?:,?\s*\b(?i:but(?: rather| instead)?|rather|instead|so|sino|sondern|mais|mas|ma|bensì)\b|[.:;—]|라"
    rf"|,?\s*(?:而是|应该是|應該是|应为|應為)|(?=\S(?:です|だ)))\s*(?:(?i:it's|it is)\s+)?"
    rf"{_NOUN}({_LETTER})\s*(?:です|だ|입니다|이다)?\s*[.!]?\s*$"
)
"""What an answer names at its end in place of a letter that it denies, as in "Not A but B."."""
_REPLACED = re.compile(
    rf"{_NOUN}({_LETTER})(?=\s*(?:[.!\n]|$)|\s+(?:is|must be) (?:the )?(?:correct|right|answer|one|best)\b)"
)
_OPENING = re.compile(r"\s*([A-Z])(?=\s*[.,;:]\s|\s*\n|\s+because\b|\s+-\s|\s+\()")
_SHOWN_RIGHT, _SHOWN_WRONG = "✅✔☑🗸✓", "❌✗✘✖❎🗙"
_ANY_WORD = r"[^\W\d_](?:[^\W\d_]|[\u0900-\u0eff])*"  # the signs for vowels of India and Thailand are no letters
_LABELLED_TEXT = (
    r"(?:([A-Z])[.:)]|\(([A-Z])\)[.:]?)\s+"
    r"(?!(?:It|This|That|The|These|They|However|Therefore|Thus|So|Because|Since|We|In|As|And|But|Which|When|Its|An?)\b)\S.*$"
)
"""An option as the question lists it, to the end of its line."""
_CONCLUDED = re.compile(rf"\b(?:is|are|be)\s*:?\s*{_NOUN}{_LABELLED_TEXT}")
_SEVERAL = re.compile(rf"\b(?:is|are)\s+{_NOUN}({_LETTER})(?=[^a-z]*\b(?:and|or)\b[^a-z]*$)")
_ALONE = re.compile(rf"{_NOUN}{_LABELLED_TEXT}")
_SET_ASIDE = re.compile(
    r"\b(?:excluded|eliminated|rejected|discarded|ruled out|second|runner-up|distractors?|traps?|errors?|mistakes?"
    r"|avoid|(?:may|might|could)(?= be\b)|wrong (?:options?|choices?|answers?|ones?)"
    r"|(?:options|choices|ones) (?:that )?(?:are|were))\b|\b(?:options|choices):",
    re.IGNORECASE,
)
"""Before an option that is listed, supposed or left out, and not chosen."""
_OTHER_LETTER = re.compile(rf"{_BEGINS}[A-HJ-Z]{_ENDS}")
_VALUE = re.compile(r"[-+0-9.,\s]{1,40}")
"""What a box holds that an answer has calculated before it chooses."""
_FINAL_LINE = re.compile(
    r"^(?!.*\b(?i:not?|none|never|except|but|nicht|pas|non|nie|ne|không|bukan|wrong|incorrect|false|rejected|eliminated"
    r"|excluded|ruled|out|falsch|faux|incorrecto|errado|sbagliato|misleading)\b)"
    rf"{_ANY_WORD}(?: {_ANY_WORD}){{0,3}}\s*(?:[:：=]|[-—]\s)\s*({_LETTER})\s*[.!]?$"
)
"""A last line that is a few words, a colon and a letter, in whatever language."""
_KEY = re.compile(r"(?<=[a-z])_(?=[a-z])")
_QUOTED = re.compile(r"[„“‚‘«‹「『【〈《<]\s*([A-Z])\s*[“”’‘»›」』】〉》>]|'([A-Z])'(?!\w)|\"([A-Z])\"(?!\w)")
_AROUND_LETTER = re.compile(r"(?<!\w)_([A-Z])_(?!\w)|\[\[\s*([A-Z])\s*\]\]")
_BRACKETED = re.compile(r"(?<![\w)])(\([A-Z]\)|\[[A-Z]\])(?!-\w|\()")
"""Not the signs of chemistry, as in (R)-2-methoxy and CH(F)."""
_SMALL_LABELLED = re.compile(r"^\s*(?:\(([a-z])\)|(?!e\. ?g\.|i\. ?e\.)([a-z])[).])\s+\S", re.MULTILINE)


def choice_letter(text: str) -> str | None:
    """The one letter A to Z that an answer chooses, None where it chooses none or several."""
    text = text[-MOST_CHARACTERS:]
    boxed = standing_boxed(text)
    if boxed is not None:
        text = text[text.rfind("boxed") :] if _VALUE.fullmatch(boxed) else boxed
    text = _plain(text)
    line = after_hashes(text)
    text = text if line is None else line
    whole = _WHOLE.fullmatch(text)
    if whole:
        return whole[1].upper()
    remaining = _DENIED.sub(" ", _SUPPOSED.sub(" ", _CONTRARY.sub(" ", text)))
    corrected = _corrected(remaining)
    if corrected:
        return corrected
    for read in (_concluded, _after_cue, _last_line, _judged, _labelled, _named, _small_labelled):
        found = read(remaining)
        if found:
            return found.pop() if len(found) == 1 else None
    instead = _INSTEAD.search(_DENIED.sub(_DENIAL, text))
    return _letters(instead[1]) if instead else None


def is_choice(gold: str) -> bool:
    """Whether a gold answer is one capital letter, alone or in brackets."""
    return re.fullmatch(r"\s*(?:\(\s*[A-Z]\s*\)|\[\s*[A-Z]\s*\]|[A-Z][.):]?)\s*", _plain(gold)) is not None


def gold_letter(gold: str) -> str | None:
    """The letter of a gold answer, in any case; None where it is no single letter."""
    whole = _WHOLE.fullmatch(_plain(gold))
    return whole[1].upper() if whole else None


def _plain(text: str) -> str:
    text = _QUOTED.sub(lambda found: f" ({found[1] or found[2] or found[3]}) ", _KEY.sub(" ", _by_marks(text)))
    text = "".join(map(_without_symbol, text.translate(_IN_SQUARES)))
    text = without_markup(plain_characters(latex_as_text(text))).strip()
    return _AROUND_LETTER.sub(lambda found: found[1] or f"[{found[2]}]", text)


def _without_symbol(character: str) -> str:
    """A blank for an arrow or a picture; other characters as they are, the degrees of 20 °C and a minus among them."""
    is_arrow = "\u2190" <= character <= "\u21ff" or "\u27f0" <= character <= "\u297f" or character == "∴"
    is_picture = not character.isascii() and unicodedata.category(character) in ("So", "Sk") and character != "°"
    plain = unicodedata.normalize("NFKC", character)
    return " " if (is_arrow or is_picture) and plain == character else character


def _by_marks(text: str) -> str:
    """The text without the lines that a sign shows to be wrong; where a sign shows lines to be right, these alone."""
    lines = [line for line in text.split("\n") if not any(sign in line for sign in _SHOWN_WRONG)]
    right = [line for line in lines if any(sign in line for sign in _SHOWN_RIGHT)]
    return "\n".join(right or lines)


def _corrected(text: str) -> str:
    """The letter by which an answer replaces what it stated before, "" where there is none."""
    cues = list(CUE.finditer(text))
    for start in corrections(text, cues[-1].end() if cues else 0):
        if found := _REPLACED.match(text, start):
            return _letters(found[1])
    return ""


def _letters(found: str) -> str:
    return re.sub("[^A-Z]", "", found)


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
    return {_letters(first[1])} | _alternatives(text, first.end())


def _alternatives(text: str, end: int) -> set[str]:
    """The letters that go on from a letter, as in "B or C"."""
    letters: set[str] = set()
    while more := _MORE.match(text, end):
        letters.add(_letters(more[1]))
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
        return {_letters(each[1]) for each in sentences}
    final = _FINAL_LINE.match(lines[-1].strip()) if len(lines[-1]) < _MOST_IN_A_LINE else None
    return {_letters(final[1])} if final else set()


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
            found |= {_letters(each[1])} if pattern is _BRACKETED else _with_alternatives(text, each)
        if found:
            return found
    return set()


def _chosen(text: str, named: list[re.Match[str]]) -> list[re.Match[str]]:
    """Those that are not only referred to, as in "similar to option A"; where there are no others, those in the last
    paragraph."""
    chosen = [each for each in named if not _REFERRED.search(text[max(0, each.start() - 20) : each.start()])]
    return chosen or [each for each in named if "\n" not in text[each.start() :].rstrip()]
