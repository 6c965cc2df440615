"""Answers with their right scores, written after public practice and after what people report as scored wrongly.

The practice is that of the graders of SQuAD, DROP, GSM8K, MATH, MMLU, ARC and BoolQ. Each row: scoring, answer, gold
answers, whether the answer is right.
"""

from __future__ import annotations

Row = tuple[str, str, tuple[str, ...], bool]

LATEX_LINE = "Adding both, we get\n\\[\nx = \\boxed{\\frac{3}{4}}\n\\]"
OPTIONS = "A) London\nB) Paris\nC) Rome\nD) Berlin"


def rows(
    scoring: str, gold: str | tuple[str, ...], right: tuple[str, ...] = (), wrong: tuple[str, ...] = ()
) -> list[Row]:
    """Rows of one gold answer."""
    accepted = (gold,) if isinstance(gold, str) else gold
    return [(scoring, text, accepted, True) for text in right] + [(scoring, text, accepted, False) for text in wrong]


# The default: Exact Match for plain text, and a gold answer that is something else as what it is.
TEXT = [
    *rows(
        "exact",
        "Paris",
        ("Paris", "paris.", " the Paris\n", "“Paris”", "PARIS!"),
        ("Paris, France", "Pari", "", "Lyon"),
    ),
    *rows("exact", "the Levi's Stadium", ("Levi's Stadium", "Levi’s Stadium", "levis stadium"), ("Levi Stadium",)),
    *rows("exact", ("New York", "N.Y.C."), ("New York", "the NYC", "nyc"), ("New York City", "York")),
    *rows("exact", "café", ("cafe\u0301", "CAFÉ"), ("cafe",)),
    *rows("exact", "self-consistency", ("self–consistency", "self-consistency."), ("self consistency",)),
    *rows("exact", "yes", ("Yes.", "YES"), ("no", "yes and no")),
    *rows("exact", "The answer is Paris", ("answer is Paris",), ("Paris",)),
    *rows("exact", "12 km", ("12 km", "12 km."), ("1.2 km", "112 km", "-12 km", "12 m")),
    *rows("exact", "5-3", ("5-3", "5–3"), ("53", "5", "3")),
    *rows("exact", "00501", ("00501", "00501."), ("501", "50.1")),
    *rows("exact", "x^2 + 1", ("x^2 + 1",), ("x21", "x^21")),
    *rows("exact", "B52", ("b52", "B-52"), ("52", "B5.2")),
]
NUMBERS_AS_TEXT = [
    *rows(
        "exact",
        "42",
        (
            "42",
            "42.",
            " 42\n",
            "**42**",
            "42.0",
            "$42",
            "42 %",
            "\\boxed{42}",
            "The answer is 42.",
            "Answer: **42**",
            "４２",
            "42\u200b",
            "forty-two",
            "#### 42",
            "$42$",
            "`42`",
            "+42",
            "“42”",
        ),
        (
            "4.2",
            "142",
            "420",
            "-42",
            "−42",
            "42 or 43",
            "4,2",
            "42 and 43",
            "It was 42 or so, I think",
            "",
            "forty",
            "42-43",
            "1/42",
        ),
    ),
    *rows("exact", "12", ("12", "twelve", "12.00"), ("1.2", "112", "1,2", "12,000", "1/2", "½", "12th of May", "1 2")),
    *rows("exact", "-5", ("−5", "–5", "-5", "- 5", "minus five", "-5.0"), ("5", "5-", "(5)", "~5-")),
    *rows(
        "exact", "0.25", (".25", "0.25", "0,25", "1/4", "¼", "25%", "2.5e-1", "a quarter"), ("25", "0.25%", "2.5", "4")
    ),
    *rows(
        "exact",
        "1234",
        ("1,234", "1 234", "1\u202f234", "1'234", "1.234,0", "1234.0"),
        ("1.234", "12,34", "1,2,3,4", "234"),
    ),
    *rows("exact", "1/2", ("½", "0.5", "\\frac{1}{2}", "50%", "one half", "2/4"), ("12", "1.2", "2", "1", "5")),
    *rows("exact", "1976", ("1976", "1976."), ("1999", "in 1976", "76")),
    *rows("exact", "seven", ("seven", "7", "Seven.", "The answer is 7."), ("17", "7.7", "seventeen")),
    *rows("exact", "3rd", ("3rd", "third", "the third", "3"), ("4th", "33rd")),
    *rows("exact", "$5.50", ("$5.50", "5.50", "5.5 dollars", "US$5.50"), ("€5.50", "550", "$5.05")),
    *rows("exact", "1e999", ("1e999",), ("1e998", "9")),
]
NUMBERS = [
    *rows(
        "number",
        "-5",
        ("The result is −5.", "x=-5", "x = −5", "3 -5", "So it is -5 °C.", "$-5$", "-$5"),
        ("5", "The result is 5.", "3-5", "(5)", "3−5", "1-5"),
    ),
    *rows(
        "number",
        ".25",
        ("The probability is .25", "0.250", "p = ¼", "It is 25 %.", "approximately 0.25"),
        ("25", "No.25"),
    ),
    *rows(
        "number",
        "1200",
        (
            "$1,200.00",
            "1 200",
            "1.200,00",
            "So she pays 1,200 dollars.",
            "#### 1,200",
            "1.2 thousand",
            "1.2k",
            "1_200",
            "12 × 10^2",
            "1.2e3",
        ),
        ("1.200", "1,2", "1,20", "200", "120", "1,200,5", "1.2 million"),
    ),
    *rows("number", "1234.5", ("1,234.5", "1.234,5", "1 234,5", "1'234.50"), ("1,2345", "1.234.5", "12345", "1234")),
    *rows("number", "1234567", ("12,34,567", "1,234,567", "1.234.567", "1 234 567"), ("1,23,4567", "234567", "567")),
    *rows("number", "56", ("56", "56.0"), ("1,234,56", "12:56", "1.2.56", "556")),
    *rows(
        "number",
        "3/4",
        ("3/4", "\\frac{3}{4}", "\\dfrac34", "¾", "0.75", LATEX_LINE, "three quarters", "6/8", "75%", "It is 3 / 4."),
        ("4", "3", "1/4", "4/3", "34", "0.34", "3.4"),
    ),
    *rows(
        "number",
        "2 1/2",
        ("2½", "2.5", "5/2", "2\\frac{1}{2}", "two and a half", "2 1/2 cups"),
        ("1/2", "21/2", "2", "22"),
    ),
    *rows(
        "number",
        "100000",
        ("about 10^5", "10⁵", "1e5", "1E+5", "10**5", "100 thousand", "1 lakh"),
        ("5", "10", "105", "1e4"),
    ),
    *rows("number", "300000000", ("3.0×10^8", "3.0 \\times 10^{8}", "3e8 m/s", "300 million"), ("8", "3", "3.0×10^7")),
    *rows(
        "number",
        "42",
        ("Let me see: 6 * 7 = 42", "42 [1]", "1. Multiply.\n2. So: 42", "It is 42, not 24.", "答案是42"),
        ("42 or 43", "24, not 42", "42-43", "±42", "<42", "四十二", "42x", "42π", "none", "1" * 5000),
    ),
    *rows(
        "number",
        "7",
        (
            "the answer is 7 (not 8)",
            "The answer is 3 + 4 = 7.",
            "seven",
            "5\nFinal answer: 7\nCheck: 3 + 4",
            "7.",
            "The answer is 7, as 2 * 3 < 7 < 8",
            "5\n\nAnswer: 7\n\n[1] source",
        ),
        ("7 or rather 8", "17", "7.01", "The answer is 7 or 8.", "-7", "77", "July 7")[:6],
    ),
    *rows("number", "42%", ("42 %", "42 percent", "0.42", "42", "42\\%"), ("4.2", "0.42%", "4200")),
    *rows("number", "0.5", ("50%", ".5", "1/2"), ("0.5%", "5", "0.05")),
    *rows(
        "number",
        "5 km",
        ("5 km", "5 kilometres", "5", "5km away", "It is 5 kilometers."),
        ("5 m", "5 miles", "15 km", "0.5 km"),
    ),
    *rows("number:unit", "5 km", ("5 km", "5 kilometers"), ("5", "5 m", "5 miles")),
    *rows(
        "number", "3", ("5 apples and 3 pears", "#### 3", "three", "3.0"), ("3 apples and 5 pears", "1/3", "33", "3^2")
    ),
    *rows("number", "1.5 million", ("1,500,000", "1.5 million", "1500000", "$1.5M"), ("1.5", "1.5 billion", "15")),
    *rows("number", "0", ("0", "-0", "zero", "0.00", "The answer is 0."), ("none", "10", "0.1", "O")),
    *rows("number", ("6", "7.0"), ("It is 7.", "6"), ("8", "67")),
]
MOMENTS = [
    *rows(
        "number",
        "2020-12-01",
        (
            "2020-12-01",
            "December 1, 2020",
            "1 December 2020",
            "1 Dec 2020",
            "Dec. 1st, 2020",
            "It was on 2020/12/01.",
            "the 1st of December 2020",
            "Tuesday, December 1, 2020",
        ),
        ("2021-12-01", "1", "2020", "2020-01-12", "December 2, 2020", "12/01/2020", "December 1", "2020-12-10"),
    ),
    *rows("number", "25 December 2020", ("12/25/2020", "25/12/2020", "25.12.2020"), ("12/24/2020", "25", "2020")),
    *rows("number", "1/2/2020", ("1/2/2020", "01/02/2020"), ("2/1/2020", "January 2, 2020", "2020")),
    *rows(
        "number",
        "10:30",
        ("10:30", "10:30 am", "10:30 a.m.", "at 10:30.", "10.30 am", "10h30"),
        ("30", "10:31", "22:30", "10:30 pm", "1030"),
    ),
    *rows("number", "3:05 pm", ("15:05", "3:05 PM", "It leaves at 3:05 p.m."), ("3:05", "5", "3:50 pm")),
    *rows("exact", "noon", ("noon", "12:00", "12 pm"), ("midnight", "12 am", "0:00")),
    *rows(
        "exact",
        "2020-12-01",
        ("1 December 2020", "2020-12-01.", "The answer is December 1, 2020."),
        ("20201201", "2020-12-02"),
    ),
    *rows("exact", "May 2021", ("May 2021", "2021-05"), ("May 2022", "2021", "June 2021")),
    *rows(
        "exact",
        "2020-12-01T10:30:00Z",
        ("2020-12-01 10:30 UTC", "2020-12-01T10:30:00+00:00"),
        ("2020-12-01", "2020-12-01T10:30:00+01:00"),
    ),
]
CHOICES = [
    *rows(
        "choice",
        "A",
        (
            "A",
            "(A)",
            "A.",
            "a",
            "**A**",
            "The answer is A.",
            "The answer is (A).",
            "Answer: A",
            "[A]",
            "A) Paris",
            "\\boxed{A}",
            "\\boxed{\\text{(A)}}",
            "The correct option is A because it is.",
            "Option A",
            "A is correct.",
            "I'd go with A.",
            "**Answer:** A",
            "Let me think.\n\nA",
            "#### A",
            "The answer is not B but A.",
            "<answer>A</answer>",
            "Ａ",
            "答案：A",
            "The answer is A, not B.",
        ),
        (
            "AB",
            "B",
            "not A",
            "The answer is not A.",
            "A and B",
            "A or B",
            "The answer is A dog.",
            "A dog barks.",
            "A, B",
            "A/B",
            "Both A and B are correct.",
            "A is wrong.",
            "A is incorrect, so is B.",
            "",
            "It isn't A.",
            "neither A nor B",
            "A+",
            "The answer is A or B.",
            "The answer is AB.",
            "I do not know.",
            "An answer",
            OPTIONS,
            "А",
        ),
    ),
    *rows(
        "choice",
        "B",
        (
            "The answer is (B).",
            "B: Paris",
            "B - Paris",
            "(B) Paris",
            "Therefore, the correct answer is option B: Paris.",
            "so (B)",
            "A is wrong. C is not right either. The answer is B.",
            "The answer is A. No, wait: the answer is B.",
            "the answer is (b)",
            "My final answer is **B**.",
            OPTIONS + "\n\nB",
            "La respuesta correcta es B.",
            "I choose B.",
            "B, because it is larger.",
        ),
        (
            "The answer is C.",
            "C",
            "B or C",
            "B, C",
            "(B) or (C)",
            "Options B and C",
            "The answer is B. No: the answer is C.",
            "Bb",
            "B is not correct.",
            "All but B",
            "rather than B",
            OPTIONS,
            "b52",
            "Vitamin B",
        ),
    ),
    *rows(
        "choice",
        "C",
        ("**C**", "(C)", "The best answer is C) Rome."),
        ("C#", "C++", "C-", "Vitamin C", "C major", "CC"),
    ),
    *rows(
        "exact", "A", ("A", "a", "(A)", "The answer is (A)", "A."), ("the", "an", "AB", "The answer is B", "", "A dog")
    ),
    *rows("exact", "(D)", ("D", "(D)", "The answer is D."), ("B", "DD", "not D")),
    *rows("regex:answer is \\(?([A-D])\\)?", "A", ("The answer is (A)", "The answer is A"), ("A", "The answer is B")),
    *rows("choice", ("B", "C"), ("B", "The answer is C."), ("A", "B and C")),
]
BOXED = [
    *rows(
        "boxed",
        "\\frac{3}{4}",
        (
            "\\boxed{\\frac{3}{4}}",
            "\\boxed{\\dfrac{3}{4}}",
            "\\boxed{\\tfrac34}",
            "\\boxed{3/4}",
            "\\boxed{0.75}",
            LATEX_LINE,
            "first \\boxed{1}, then $\\boxed{\\frac34}$",
            "\\fbox{3/4}",
            "\\boxed{ \\frac{ 3 }{ 4 } }",
        ),
        (
            "\\frac{3}{4}",
            "3/4",
            "\\boxed{\\frac{4}{3}}",
            "\\boxed{34}",
            "\\boxed{\\frac{3}{4}",
            "\\boxed{3/4}, no: \\boxed{1}",
        ),
    ),
    *rows(
        "boxed",
        "x^2+1",
        ("\\boxed{x^2 + 1}", "\\boxed{x^{2}+1}", "\\boxed{f(x) = x^2+1}"),
        ("\\boxed{x2+1}", "\\boxed{x^2-1}", "\\boxed{2x+1}"),
    ),
    *rows(
        "boxed",
        "\\sqrt{2}",
        ("\\boxed{\\sqrt2}", "\\boxed{\\sqrt{2}}"),
        ("\\boxed{2}", "\\boxed{\\sqrt{3}}", "\\boxed{2\\sqrt{2}}"),
    ),
    *rows("boxed", "50\\%", ("\\boxed{50\\%}", "\\boxed{50}", "\\boxed{0.5}"), ("\\boxed{5\\%}", "\\boxed{0.5\\%}")),
    *rows(
        "boxed",
        "(1,2)",
        ("\\boxed{(1, 2)}", "\\boxed{\\left(1,2\\right)}"),
        ("\\boxed{(2,1)}", "\\boxed{12}", "\\boxed{1.2}", "\\boxed{[1,2]}"),
    ),
    *rows(
        "boxed",
        "10{,}000",
        ("\\boxed{10,000}", "\\boxed{10000}", "\\boxed{10\\,000}"),
        ("\\boxed{10}", "\\boxed{1000}"),
    ),
    *rows(
        "boxed",
        "\\text{Yes}",
        ("\\boxed{\\text{Yes}}", "\\boxed{Yes}", "\\boxed{\\textbf{Yes}}"),
        ("\\boxed{No}", "Yes"),
    ),
    *rows(
        "boxed", "90^\\circ", ("\\boxed{90^{\\circ}}", "\\boxed{90}", "\\boxed{90°}"), ("\\boxed{9}", "\\boxed{900}")
    ),
    *rows(
        "boxed",
        "B",
        ("\\boxed{B}", "\\boxed{\\text{(B)}}", "\\boxed{\\textbf{(B) } 5}"),
        ("\\boxed{A}", "\\boxed{AB}", "B"),
    ),
    *rows("boxed", "3\\pi", ("\\boxed{3\\pi}", "\\boxed{3 \\pi}"), ("\\boxed{3}", "\\boxed{\\pi}", "\\boxed{3\\pi^2}")),
    *rows("boxed", "x \\leq 3", ("\\boxed{x\\le3}",), ("\\boxed{x\\ge 3}", "\\boxed{x<3}", "\\boxed{3}")),
    *rows("boxed", "\\{1,2\\}", ("\\boxed{\\{1, 2\\}}",), ("\\boxed{12}", "\\boxed{\\{1\\}}")),
    *rows(
        "boxed",
        "5\\text{ cm}",
        ("\\boxed{5\\text{ cm}}", "\\boxed{5}", "\\boxed{5\\mathrm{cm}}"),
        ("\\boxed{5\\text{ m}}", "\\boxed{50}"),
    ),
]
JSON = [
    *rows(
        "json:answer",
        "42",
        (
            '{"answer": 42}',
            '{"answer": "42"}',
            '```json\n{"answer": 42.0}\n```',
            'Sure: {"answer": "The answer is 42."} Done.',
            '{"answer": 1} then {"answer": 42}',
            '{"thought": {"a": 1}, "answer": 42}',
        ),
        (
            '{"answer": 43}',
            "42",
            '{"result": 42}',
            '{"answer": null}',
            '{"answer": [42]}',
            '{"answer": 42',
            '{"answer": -42}',
            "[42]",
            '{"answer": 42} then {"answer": 1}',
            '{"answer": 4.2}',
        ),
    ),
    *rows(
        "json:result.items.0",
        "Paris",
        ('{"result": {"items": ["Paris"]}}',),
        ('{"result": {"items": []}}', '{"result": "Paris"}'),
    ),
    *rows("json:ok", "true", ('{"ok": true}', '{"ok": "True"}'), ('{"ok": false}', '{"ok": 1}')),
    *rows("json:choice", "A", ('{"choice": "A"}', '{"choice": "(A)"}'), ('{"choice": "B"}', '{"choice": "the"}')),
]
YES_NO = [
    *rows(
        "yesno",
        "yes",
        (
            "Yes.",
            "yes, because it is",
            "The answer is yes.",
            "**Yes**",
            "True",
            "So the answer is: Yes",
            "Yes, no doubt.",
        ),
        ("No.", "no", "yes or no", "It is not yes", "The answer is no.", "maybe", "", "eyes", "false"),
    ),
    *rows(
        "yesno",
        "no",
        ("No", "No, it does not.", "the answer is no.", "\\boxed{\\text{No}}", "False."),
        ("Yes", "no or yes", "north", "None", "not"),
    ),
    *rows("yesno", "true", ("True", "yes"), ("False", "untrue")),
]
OTHER = [
    *rows("raw", "Yajo", (" Yajo ",), ("yajo", "Yajo.")),
    *rows("regex:answer is[:\\s]*([a-z]+)", "yajo", ("The answer is xy. No, the answer is yajo",), ("yajo",)),
    *rows("regex:total: (\\S+)", "1,200", ("total: 1200", "total: $1,200"), ("total: 1.2", "1200")),
]
TABLE: tuple[Row, ...] = tuple(TEXT + NUMBERS_AS_TEXT + NUMBERS + MOMENTS + CHOICES + BOXED + JSON + YES_NO + OTHER)
