"""How a letter of a multiple-choice answer is written in a sentence, and what it is called there. Pure and total."""

from __future__ import annotations

import re

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
WORD = r"0-9A-Za-z_\u00c0-\u024f\u0370-\u03ff\u0400-\u052f"
BEGINS = rf"(?<![{WORD}+#&-])(?<![{WORD}]')"
ENDS = (
    rf"(?=\s*(?:$|[\n.,;:!?)\]\"'—]|--|-\s)|\s+(?:\(|(?:{_GOES_ON}|it is)\b)"
    r"|'d[iıuü]r|\s?[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0600-\u06ff\u0900-\u097f])"
)
_PRONOUN = r"(?!I\s+(?:was|would|will|can|could|must|should|may|might|do|did|have|had)\b)"
_BARE = rf"{BEGINS}{_PRONOUN}[A-Z](?![{WORD}+#&/]|'(?!d[iıuü]r)[{WORD}]|-[{WORD}]|\.[A-Za-z]){ENDS}"
LETTER = rf"(?:\(\s*[A-Z]\s*\)|\[\s*[A-Z]\s*\]|\{{\s*[A-Z]\s*\}}|{BEGINS}[A-Z]\)|{_BARE})"
_ARTICLE = r"the|la|el|le|die|der|il|o|a(?= [a-z])"
NOUNS = (
    r"(?:options?|choices?|letters?|answers?|statements?|opción|opcion|letra|alternativa|inciso|opção|réponse|lettre"
    r"|antwort|buchstabe|lettera|opzione|选项|選項|вариант|pilihan)"
)
NOUN = rf"(?:(?i:(?:(?:{_ARTICLE})\s+)?{NOUNS})\s*|(?i:la|el|le|die|il)\s+)?"


def letters_in(found: str) -> str:
    """The letter of what `LETTER` matched, without its brackets."""
    return re.sub("[^A-Z]", "", found)
