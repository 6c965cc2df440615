"""Names for tests of who is who: alice in disguise, and others."""

from __future__ import annotations

DISGUISES = {
    "a zero width space": "al\u200bice",
    "a joiner that joins nothing": "alice\u200d",
    "a word joiner before": "\u2060alice",
    "a soft hyphen": "ali\u00adce",
    "a byte order mark": "\ufeffalice",
    "a no-break space": "ali\u00a0ce",
    "a blank within": "ali ce",
    "a blank as wide as an ideograph": "ali\u3000ce",
    "a mark that turns the direction of writing": "\u202aalice\u202c",
    "a grapheme joiner, which combines with nothing": "al\u034fice",
    "a dot below, which combines": "ali\u0323ce",
    "a ring around, which combines": "a\u20ddlice",
    "a variation selector": "a\ufe0flice",
    "a variation selector of the second set": "alice\U000e0101",
    "tags of a language": "alice\U000e0001\U000e0065\U000e006e",
    "a Hangul filler": "alice\u3164",
    "half a Hangul filler": "\uffa0alice",
    "a Mongolian vowel separator": "al\u180eice",
    "an empty Braille cell": "alice\u2800",
    "a note without a head": "alice\U0001d173",
    "a letter of somebody's own": "alice\ue000",
    "a line separator": "ali\u2028ce",
    "a next line": "ali\u0085ce",
    "what a record shows": "al?ice",
    "what cannot be read": "ali\ufffdce",
}
"""Each is seen as alice, or as alice with a hole; none begins or ends with a blank, which HTTP would take off."""

OTHERS = {
    "another name": "alicia",
    "in other letters": "Alice",
    "a Cyrillic a, which looks alike": "\u0430lice",
    "a precomposed letter": "\u00e1lice",
    "wide letters": "\uff41lice",
    "a hyphen": "ali-ce",
    "a dash": "ali\u2010ce",
    "a middle dot": "ali\u00b7ce",
    "at a host": "alice@example.com",
    "a star": "alic*",
    "any letter": "al.ce",
    "the end of a quotation": "al\\Eice",
}
