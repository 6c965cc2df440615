"""Yes or no, true or false, out of a sentence. Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.corrections import corrections
from earlystop.evaluator.scoring.numbers import prepared
from earlystop.evaluator.scoring.stated import CUE, after_hashes, searched, whole_statement
from earlystop.evaluator.scoring.typography import plain_characters

_WORDS = {"yes": True, "true": True, "yeah": True, "yep": True, "yup": True, "no": False, "false": False, "nope": False}
_YES_ELSEWHERE = (
    "sí si oui ja sim da да так はい ええ 是 是的 没错 當然 当然 對 对 正确 正確 네 예 맞습니다 evet tak ναι हाँ हां نعم"
    " כן ano áno kyllä igen có đúng ya benar igaz wahr richtig vrai verdadero vero verdadeiro верно правда doğru prawda"
)
_NO_ELSEWHERE = (
    "non nein nej nee não нет ні いいえ 不 不是 不是的 否 不对 不對 错误 錯誤 아니요 아니오 hayır nie όχι नहीं لا לא"
    " ne ei nem nu không sai tidak salah bukan falsch faux falso неверно ложь yanlış fałsz"
)
_ELSEWHERE = {plain_characters(word): True for word in _YES_ELSEWHERE.split()}
_ELSEWHERE |= {plain_characters(word): False for word in _NO_ELSEWHERE.split()}
_ANY_ELSEWHERE = "|".join(sorted(map(re.escape, _ELSEWHERE), key=len, reverse=True))
_FIRST_ELSEWHERE = re.compile(rf"[\s\"'(¡:]*({_ANY_ELSEWHERE})(?=\s*(?:[.,;:!)\"'—\n]|-\s|$))", re.IGNORECASE)
"""A word of another language that stands by itself, at the beginning: within a sentence it may be anything."""
_TURNED_ELSEWHERE = re.compile(
    rf"[\s,;.!]{{1,3}}(?:pero|mais|mas|aber|doch|ma|maar|ale|men|но|でも|但是?|하지만)\s*({_ANY_ELSEWHERE}|no)"
    r"(?=\s*(?:[.,;!]|$))",
    re.IGNORECASE,
)
_SHORT = (
    r"(?:it|he|she|they|we|you|i|this|that|these|those|there) "
    r"(?:is|are|was|were|am|does|do|did|has|have|had|can|could|will|would|should|must)"
)
"""A statement of two words, such as "It does"."""
_STATEMENT = r"(?:the|this|that) (?:claim|statement|sentence|assertion|assumption) (?:is|was)"
_TRUE = r"(?:correct|right|accurate|factual)"
_AFFIRMED = re.compile(
    r"(?:(?:that|this|it)(?:'s| is) |you are |you're )?(?:correct|right)|affirmative|absolutely|of course"
    r"|i (?:think|believe) so|sure|certainly|indeed|definitely|y|without (?:a |any )?doubt"
    rf"|(?:correct, |right, |indeed, )?{_SHORT}|{_STATEMENT} {_TRUE}",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"(?:(?:that|this|it)(?:'s| is) )?(?:incorrect|wrong|untrue)|negative|never|no way|n|nah|hardly|by no means"
    r"|not (?:exactly|quite|really|entirely|at all|so)"
    r"|i (?:don't|do not) (?:think|believe) (?:so|that)"
    r"|(?:that|it)(?:'s| is) not (?:so|the case)"
    rf"|(?:incorrect, |wrong, )?{_SHORT}(?:n't| ?not)|{_STATEMENT} (?:incorrect|inaccurate|wrong|untrue|not {_TRUE})",
    re.IGNORECASE,
)
"""What means yes or no where it is the whole answer, and may be a manner of speaking elsewhere."""
_WORD = r"(yes|no|true|false|yeah|yep|yup|nope)\b"
_NO_ANSWER = (
    r"(?!-| (?:one|longer|more|other|such|way|matter|doubt|need|evidence|reason|question|problem|worries|wonder"
    r"|surprise|idea|answer|information|info|data|mention|context|indication|proof|clue|comment|exceptions?"
    r"|sooner|simple|single|clear|fewer|less|later|further|additional|known|specific|direct|definite)\b"
    r"|\. ?[0-9]| [0-9])"
)
"""After a "no" that answers nothing, as in "no doubt"."""
_FIRST = re.compile(rf"[\s\"'(]*{_WORD}{_NO_ANSWER}", re.IGNORECASE)
_ANY = re.compile(rf"\b{_WORD}{_NO_ANSWER}", re.IGNORECASE)
_OPEN = re.compile(
    rf"\s*(?:or|and|/)\s*{_WORD}|\s+(?:if|for|when|in)\b[^.!?\n]{{0,80}}\b{_WORD}\s+(?:otherwise|if|for|when|in)\b",
    re.IGNORECASE,
)
_THEN = re.compile(rf"\s*(?:[,!]|\.{{2,3}})\s*{_WORD}\s*[.!]?\s*$", re.IGNORECASE)
"""Two words and nothing else, as in "Yes... no."."""
_NOT = (
    r"(?:\b(?:can)?not|n't|\bnever|\bhardly|\bscarcely|\bbarely|\bfar from|\bno longer)"
    r"(?: (?:be|entirely|always|necessarily|strictly|quite|really|actually|exactly))*"
)
_DENIED_TRUTH = re.compile(rf"{_NOT} (?P<true>true|correct|right)\b|{_NOT} false\b", re.IGNORECASE)
"""A statement that is not true is false; what is "not yes" says nothing."""
_DENIED = re.compile(rf"{_NOT} (?:say |answer |an? )?[\"']?{_WORD}", re.IGNORECASE)

_QUESTION = re.compile(
    r"(?<![^.!?\n])[^.!?\n]*[?？]|\byes or no\b\s*[:,]|\((?:yes|true)(?: or |/)(?:no|false)\)", re.IGNORECASE
)
"""What an answer only asks, or repeats of the question."""
_LONG = re.compile(r"\blong(?:er)?\s*\Z", re.IGNORECASE)
"""Before "answer" where a short one stands before it."""
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|assuming|assume) (?:the answer(?: to [^.,;!?\n]{1,40}?)? (?:is|were|was) |it (?:is|were) )?"
    r"[\"']?(?:yes|no)\b",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"(?<=[.!,;])\s*(?:oh,? |hmm+,? )?(?:wait|actually|sorry)[,.!]? no\s*(?:[.!]|$)", re.IGNORECASE
)
"""After a "yes", a "no" that takes it back."""
_TURNED = re.compile(
    rf"[\s,;.!—–-]*(?:but|yet|however)\b,?\s*(?:(?:also|actually|really|rather|in fact)\b,?\s*)?"
    rf"{_WORD}(?=\s*(?:[.,;:!]|$))",
    re.IGNORECASE,
)
"""After a first word, the other one that it turns into, as in "Yes, but no."."""
_FIRMLY_NOT = re.compile(
    r"(?<![^.!?\n])\s{0,3}(?:(?:absolutely|certainly|definitely|clearly|of course|surely|obviously|probably|likely"
    r"|apparently|it is|it's|they are|that is|it does|it did|it can|it was) not(?: at all)?|not at all)"
    r"(?=\s*(?:[.!]|$))",
    re.IGNORECASE,
)
"""A sentence that only denies: "Certainly not."."""
_NOT_THOUGHT = re.compile(
    r"(?:\bnot|n't) (?:think|believe|say)(?: that)? (?:it|that|this|the \w+)(?:'s| is| was)"
    r" (?P<word>true|correct|right|false)\b",
    re.IGNORECASE,
)
"""What an answer does not think: "I don't think that it is true"."""
_DOUBTED = re.compile(
    r"\b(?:(?:partly|partially|half|rarely|seldom|hardly ever|almost|nearly|only (?:partly|partially|sometimes|half))"
    r"|(?:doubtful|unlikely|unclear|questionable|debatable|hard|difficult|impossible|nothing"
    r"|no (?:evidence|proof|indication|sign|reason)|(?:not|n't) (?:sure|certain|clear|known)"
    r"|unable to|not able to|(?:can't|cannot|can not) (?:give|answer|determine|verify|tell|say|confirm)|whether|myth"
    r"|(?:one|you|some|they) (?:might|may|could) say|(?:may|might|could) be|cannot be (?:said|claimed)"
    r"|misconception|(?:some|many|most|people|others)(?: people)? (?:say|believe|think|claim|argue)|ceased|by no means"
    r"|if it (?:is|were|was)|(?:wrong|incorrect|mistake|false) to (?:answer|say|claim|reply)"
    r"|like to (?:say|answer)(?= (?:yes|no|true|false)\b)"
    r"|(?:opposite|contrary|reverse|converse) is)\b"
    r"(?:(?!\b(?:but|so|then|yet|hence)\b)[^.!?;,:\n]){0,60}?)"
    rf"\s{_WORD}",
    re.IGNORECASE,
)
"""A word that an answer doubts, or grants in part: "there is no evidence that it is true", "partly true"."""
_NOT_SO = re.compile(
    r"\b(?:not the case|(?:false|wrong|incorrect|untrue)) (?:that|to say|to think)(?: that)? "
    rf"(?:the answer is |it is )?{_WORD}",
    re.IGNORECASE,
)
"""A word that an answer denies: "it is wrong to say yes"."""
_CALLED_WRONG = re.compile(
    rf"[\"']?{_WORD}[\"']? (?:is|was|would be) (?:the |an? )?"
    r"(?:wrong|incorrect|not (?:the |a )?(?:correct|right|true))\b",
    re.IGNORECASE,
)
"""A word that an answer calls wrong, as in "yes is incorrect"."""
_CLAIMED = re.compile(
    rf"\b(?:claim|statement|idea|belief|notion) that [^.!?;\n]{{0,60}}?{_WORD}"
    r" is (?:wrong|incorrect|untrue|mistaken|false|not (?:true|correct|right))\b",
    re.IGNORECASE,
)
"""What is wrong to claim: "the claim that it is true is wrong"."""
_NOT_THE_CASE = re.compile(r"\b(?:it is|it's) not the case that\b", re.IGNORECASE)
_AGAIN = re.compile(r"\blet me (?:redo|recheck|reconsider|rethink|try|start)\b[^.!?\n]*[.!?\n]", re.IGNORECASE)
_TAKES_BACK = re.compile(r"\b(?:no longer|not any ?more|not now|not)\s*[.!]?\s*$", re.IGNORECASE)
"""The end of what takes a statement back, without a word of its own, as in "It was true, but no longer."."""
_CONTRAST = re.compile(r"\b(?:however|but|yet|although|though)\b", re.IGNORECASE)
"""Of words on both sides of these, those after the last one are the answer's own."""


def _after_second_thoughts(text: str) -> str:
    """What follows the last "let me redo this", where it says yes or no at all."""
    *_, last = _AGAIN.split(text)
    return last if _ANY.search(last) else text


def _leaves_open(text: str, first: re.Match[str]) -> bool:
    """Whether another word follows that says the contrary."""
    then = _THEN.match(text, first.end())
    return bool(_OPEN.match(text, first.end())) or (
        then is not None and _WORDS[then[1].lower()] != _WORDS[first[1].lower()]
    )


def _leaves_undecided(text: str, cue: re.Match[str]) -> bool:
    """Whether what an answer states at last is neither yes nor no, and neither follows or opens the text."""
    is_said = _ANY.search(text, cue.end()) or _FIRST_ELSEWHERE.match(text, cue.end()) or _FIRST.match(text)
    return "answer" in cue[0].lower() and not is_said and _LONG.search(text, 0, cue.start()) is None


def says_yes(text: str) -> bool | None:
    """True for yes, False for no, None where an answer says neither or both."""
    statement = whole_statement(text) or ""
    if _AFFIRMED.fullmatch(statement) or _REFUSED.fullmatch(statement):
        return _AFFIRMED.fullmatch(statement) is not None
    text = prepared(searched(text))
    text = _CLAIMED.sub(lambda found: " false" if _WORDS[found[1].lower()] else " true", after_hashes(text) or text)
    text = _DENIED_TRUTH.sub(lambda found: " false" if found["true"] else " true", text)
    text = _NOT_THOUGHT.sub(lambda found: " true" if found["word"].lower() == "false" else " false", text)
    text = _CALLED_WRONG.sub(" ", text)
    text = _DOUBTED.sub(" ", _SUPPOSED.sub(" ", text))
    text = _FIRMLY_NOT.sub(
        " no", _QUESTION.sub(" ", _DENIED.sub(" ", _NOT_THE_CASE.sub(" false ", _NOT_SO.sub(" ", text))))
    )
    text = _after_second_thoughts(text)
    cues = list(CUE.finditer(text))
    start = cues[-1].end() if cues else 0
    for place in corrections(text, start):
        if first := _FIRST.match(text, place):
            return _WORDS[first[1].lower()]
    if _TAKEN_BACK.search(text, start):
        return False
    if cues and _leaves_undecided(text, cues[-1]):
        return None
    places = [cue.end() for cue in reversed(cues)]
    for place in (*places, 0):
        if elsewhere := _FIRST_ELSEWHERE.match(text, place):
            turned_there = _TURNED_ELSEWHERE.match(text, elsewhere.end())
            return _ELSEWHERE.get((turned_there or elsewhere)[1].lower(), False)
        if first := _FIRST.match(text, place):
            turned = _TURNED.match(text, first.end())
            return None if _leaves_open(text, first) else _WORDS[(turned or first)[1].lower()]
    *before, last = _CONTRAST.split(text)
    if before and not _ANY.search(last) and _TAKES_BACK.search(last):
        return None
    found = {_WORDS[word.lower()] for word in _ANY.findall(last) or _ANY.findall(text)}
    return found.pop() if len(found) == 1 else None
