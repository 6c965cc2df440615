"""Small numbers and scales in words of languages other than English, and Roman numerals. Pure and total."""

from __future__ import annotations

import re
from fractions import Fraction

from earlystop.evaluator.scoring.typography import plain_characters

_FROM_ZERO = {
    "German": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "French": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
    "Spanish": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "Italian": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici",
    "Portuguese": "zero um dois três quatro cinco seis sete oito nove dez onze doze",
    "Dutch": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf",
    "Russian": "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать",
    "Polish": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście",
    "Turkish": "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
    "Indonesian": "nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas",
    "Vietnamese": "không một hai ba bốn năm sáu bảy tám chín mười",
}
"""From 0 on. A word that is another number in another of these languages would be no number at all."""
_ALL = [(plain_characters(word), value) for words in _FROM_ZERO.values() for value, word in enumerate(words.split())]
_NUMBERS = {word: value for word, value in _ALL if len({other for name, other in _ALL if name == word}) == 1}
_MILLION = (
    "mio mio. million millionen millón millones milhão milhões milione milioni miljoen миллион миллиона миллионов"
)
_MILLIARD = "mrd mrd. milliarde milliarden milliard milliards miliardo miliardi miljard миллиард миллиарда миллиардов"
SCALES = {plain_characters(name): 10**6 for name in _MILLION.split()}
SCALES |= {plain_characters(name): 10**9 for name in _MILLIARD.split()}
"""Scales that mean one number in all languages; "billion" and "mil" do not, and are not here."""
_ROMAN = re.compile(r"(?=[IVXLCDM]{2,15}\Z)M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def number_in_another_language(text: str) -> Fraction | None:
    """The number that the whole text is in one such word, or in Roman numerals; None where it is none."""
    word = text.strip()
    if _ROMAN.fullmatch(word):
        return Fraction(_roman(word))
    value = _NUMBERS.get(word.lower())
    return None if value is None else Fraction(value)


def _roman(word: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in word]
    return sum(-one if one < other else one for one, other in zip(values, [*values[1:], 0], strict=True))
