"""Searches on curves that others have measured and made public: nobody here chose where they bend.

Run as `python -m tests.bench.search_public [--runs N]`. A curve is what a table says that was found in public text, in
the form that `kubectl earlystop plan --curve` reads: the most careful setting of the table is the baseline, and the
others follow from careful to bold. Where a table has no tokens, it is what the table has of each answer instead:
milliseconds, operations, steps, or hundredths of a cent. Two things are not the tables': where all answers were right
stands .999, and where only tokens of reasoning were counted 200 stand for those of the answer.

`source` says what was measured. Most have no address, so nobody can look them up by it: they serve for their forms, and
no claim about a model rests on them. They are of 10 to 1,319 questions, so a point of one may be off by several, or by
ten and more where questions are few; here it is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, median
from typing import Annotated

import typer
from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from earlystop.rollout.search.trial import Setting
from earlystop.rollout.search.worth import NEAREST_TO_MARGIN
from earlystop.simulation.search_truth import read_curve
from tests.bench.search_shapes import Shape
from tests.bench.search_strategies import STRATEGIES, TERMS
from tests.bench.simulated_search import SimulatedSearch

SEED = 1501
HEADINGS = ("curve", "search", "violates", "ends at best", "saving", "requests, mean", "median")


@dataclass(frozen=True, slots=True)
class PublicCurve:
    """A table that others have published. source: what it measured, and of what. rows: setting, em (0..1) and tokens,
    or what stands for these."""

    name: str
    source: str
    rows: str

    def shape(self) -> Shape:
        """The truth, with settings from the most careful to the boldest, as they stand in the table."""
        curve = read_curve(f"setting,em,tokens\n{self.rows}")
        last = max(1, len(curve.settings) - 1)
        settings = tuple(Setting(each.name, (), (index / last,)) for index, each in enumerate(curve.settings))
        return Shape(self.name, settings, curve)


PUBLIC = (
    PublicCurve(
        "Qwen3-8B, thinking budget",
        "mathematics, 360 answers a budget, fp8 on an A10G; milliseconds until the answer begins",
        "baseline,0.994,45700\n2048,0.994,44700\n1024,0.831,28200\n512,0.842,14600\n256,0.922,7400\n128,0.944,3900\n"
        "0,0.864,200",
    ),
    PublicCurve(
        "budget forcing, GSM8K",
        "budget forcing as in s1 (arXiv 2501.19393), first 50 questions of GSM8K",
        "baseline,0.82,705\n1536,0.82,673\n1024,0.80,605\n512,0.76,448\n256,0.46,264\n128,0.28,137",
    ),
    PublicCurve(
        "Qwen3-8B, max tokens",
        "GSM8K, 1,319 questions, thinking off",
        "baseline,0.933,152.4\n512,0.931,152\n256,0.875,146\n128,0.508,113",
    ),
    PublicCurve(
        "Qwen3-8B, max tokens, 200 questions",
        "GSM8K, 200 questions, thinking off",
        "baseline,0.94,145\n256,0.89,140\n128,0.545,111\n64,0.12,64\n32,0.03,32",
    ),
    PublicCurve(
        "questions to a database, effort",
        "questions that a model answers by queries; reasoning tokens and 200 of the answer",
        "baseline,0.870,2462\nmedium,0.859,1064\nlow,0.837,432\nnone,0.722,200",
    ),
    PublicCurve(
        "R1-Distill-Qwen-14B, token budget",
        "AIME 2025 and 10 others, majority of 32, a notebook of the AIMO 2 competition",
        "baseline,0.700,9684\n12800,0.675,8331\n9000,0.525,4725",
    ),
    PublicCurve(
        "R1-Distill-Qwen-14B, tuned, token budget",
        "the same questions after fine-tuning",
        "baseline,0.750,10396\n12800,0.725,7024\n9000,0.550,4387",
    ),
    PublicCurve(
        "DeepSeek R1, token budget",
        "12 problems of the level of AIME (Infinite Architects)",
        "baseline,0.917,576.17\n2048,0.917,412.08\n1024,0.667,358.58\n512,0.583,280.25",
    ),
    PublicCurve(
        "rules of a card game, effort",
        "10 questions about rules of Yu-Gi-Oh, six efforts of one model, all tokens of a question",
        "baseline,0.70,24952\nxhigh,0.90,21644\nhigh,0.999,18253\nmedium,0.90,15776\nlow,0.999,14820\nnone,0.90,15808",
    ),
    PublicCurve(
        "Sonnet as a judge, effort",
        "78 proposed changes judged; hundredths of a cent for one",
        "baseline,0.859,336\nhigh,0.8462,218\nmedium,0.8846,164\nlow,0.859,155",
    ),
    PublicCurve(
        "cascade of sparse layers, threshold",
        "early exits of a classifier of images; operations of an image, in millions",
        "baseline,0.8212,1427\n0.8,0.8142,1183\n0.7,0.8021,1027\n0.6,0.7921,907\n0.5,0.7765,812\n0.4,0.7635,742\n"
        "0.3,0.7555,707",
    ),
    PublicCurve(
        "latent reasoning, threshold of halting",
        "PonderNet on GSM8K, 1,319 questions; thousandths of a step",
        "baseline,0.3647,5532\n0.8,0.3632,5066\n0.5,0.3639,3660",
    ),
    PublicCurve(
        "agents' messages, token budget",
        "200 questions that agents answer together",
        "baseline,0.55,55.4\n180,0.555,52.6\n120,0.56,52.9\n60,0.56,44.1",
    ),
    PublicCurve(
        "Qwen3.8-27B, thinking budget",
        "120 answers a budget reviewed by people, SGLang; milliseconds of an answer",
        "baseline,0.944,6900\n512,0.901,3500\n256,0.928,2000\n128,0.864,1100\n0,0.735,200",
    ),
)


def run(
    runs: Annotated[int, typer.Option(help="Campaigns of each search on each curve.")] = 100,
    curve: Annotated[str, typer.Option(help="Only curves whose name begins so.")] = "",
    search: Annotated[str, typer.Option(help="Only searches whose name begins so.")] = "",
) -> None:
    """Print a row for each search on each curve, with the setting that it should end with."""
    console, table = Console(width=160), Table(*HEADINGS)
    for public in (each for each in PUBLIC if each.name.startswith(curve)):
        shape = public.shape()
        for name, strategy in STRATEGIES.items():
            if name.startswith(search):
                ended = [strategy(shape, default_rng([SEED, run])) for run in range(runs)]
                found = row(shape, name, ended)
                table.add_row(*found)
                console.print(*found, sep=" | ")
    console.print(table)


def best_within_reach(shape: Shape) -> int | None:
    """Index of the setting that saves most of those that hold, None where the baseline is the best. One as close to the
    margin as no horizon is long enough for is not within reach."""
    return shape.curve.best(TERMS.margin * (1 - NEAREST_TO_MARGIN), TERMS.minimum_saving)


def row(shape: Shape, name: str, ended: list[SimulatedSearch]) -> tuple[str, ...]:
    """What searches of one kind ended with on a curve, and the share that ended with the best within reach or a better
    one that holds."""
    true, best = shape.curve.settings, best_within_reach(shape)
    most = 0.0 if best is None else true[best].saving
    savings = [0.0 if each.best is None else true[each.best].saving for each in ended]
    sound = [each.best is None or shape.curve.keeps(each.best, TERMS.margin, TERMS.minimum_saving) for each in ended]
    return (
        shape.name,
        name,
        f"{mean(each.violations > 0 for each in ended):.1%}",
        f"{mean(holds and saving >= most for holds, saving in zip(sound, savings, strict=True)):.0%}",
        f"{mean(savings):.1%} of {most:.1%}",
        f"{mean(each.requests for each in ended):,.0f}",
        f"{median(each.requests for each in ended):,.0f}",
    )


if __name__ == "__main__":
    typer.run(run)
