"""Answers with their right scores, written after public practice and after what people report as scored wrongly.

The practice is that of the graders of SQuAD, DROP, GSM8K, MATH, MMLU, ARC and BoolQ. Each row: scoring, answer, gold
answers, whether the answer is right.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER
from tests.unit.evaluator.scoring_numbers import MOMENTS, NUMBERS, NUMBERS_AS_TEXT
from tests.unit.evaluator.scoring_rows import LATEX_LINE, Row, rows


def _accepted(gold: str | list[str]) -> str | tuple[str, ...]:
    return gold if isinstance(gold, str) else tuple(gold)


OPTIONS = "A) London\nB) Paris\nC) Rome\nD) Berlin"

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
    *rows(
        "json:choice",
        "B",
        ('{"choice": "B", "choice": "B"}', '{"n": 1, "n": 2, "choice": "B"}'),
        ('{"choice": "A", "choice": "B"}', '{"choice": "B"} or {"choice": "A", "choice": "B"}'),
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
SPELLINGS = [
    row
    for name in (
        "spellings",
        "benchmarks",
        "habits",
        "sentences",
        "reported",
        "continued",
        "estimated",
        "doubted",
        "recorded",
        "attacked",
        "formulas",
    )
    for each in yaml.load(Path(__file__).with_name(f"scoring_{name}.yaml").read_text("utf-8"), Loader=SAFE_LOADER)
    for row in rows(each["scoring"], _accepted(each["gold"]), tuple(each["right"]), tuple(each["wrong"]))
]
TABLE: tuple[Row, ...] = tuple(
    TEXT + NUMBERS_AS_TEXT + NUMBERS + MOMENTS + CHOICES + BOXED + JSON + YES_NO + OTHER + SPELLINGS
)
