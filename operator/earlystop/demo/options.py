"""The options of the reference server: the type of each, with the sentence that `--help` says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.demo.voting import MAXIMUM_WINDOW

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on, 0 for any free one.", min=0, max=65535)]
Data = Annotated[str, typer.Option(help="JSONL file of recordings, or 'builtin'.")]
HeaderPrefix = Annotated[str, typer.Option(help="Prefix of the variant's headers.")]
BaselineWindow = Annotated[int, typer.Option(help="Window of requests without the headers.", min=1, max=MAXIMUM_WINDOW)]
MillisecondsPerWord = Annotated[float, typer.Option(help="Simulated generation time.", min=0)]
Policies = Annotated[
    list[str] | None, typer.Option(help="Policy that is served, like llm/qa; no other is counted. May be repeated.")
]
UserHeader = Annotated[
    str, typer.Option(help="Header that says who asks, for policies in which each user keeps a variant.")
]
SessionHeader = Annotated[
    str,
    typer.Option(help="Header that says of which session a request is, to keep it on a variant; with a settings file."),
]
SettingsFile = Annotated[
    str, typer.Option(help="Mounted file with the one policy's settings, for delivery mode ConfigMap; no headers.")
]
NamesVariants = Annotated[
    bool, typer.Option("--names-variants", help="Name the variant in every answer, for a load that counts them.")
]
SlowWrongAnswers = Annotated[float, typer.Option(help="Seconds that an answer takes longer when it is wrong.", min=0)]
UnscoredWrongAnswers = Annotated[
    float, typer.Option(help="Fraction of candidates' wrong answers that are counted as unscored.", min=0, max=1)
]
CutAnswers = Annotated[
    float, typer.Option(help="Fraction of candidates' answers that are cut off, and unscored.", min=0, max=1)
]
EmptyAnswers = Annotated[
    float, typer.Option(help="Fraction of candidates' answers that are empty, and wrong.", min=0, max=1)
]
ClassHeader = Annotated[str, typer.Option(help="Header that says a request's query class; none by default.")]
Classes = Annotated[
    str, typer.Option(help="Its values that are counted apart, like lookup,proof; all others are one class.")
]
SpoilEveryVariant = Annotated[bool, typer.Option(help="Spoil the baseline's answers, too.")]
SpoilAtSignal = Annotated[
    bool,
    typer.Option(help="Spoil none before SIGUSR1 and after SIGUSR2, so that harm begins and ends when you say."),
]
ReceiptKeyFile = Annotated[
    Path | None,
    typer.Option(help="File of the keys of receipts, by which votes and labels are counted that come later."),
]
LateLabels = Annotated[bool, typer.Option("--late-labels", help="Score no answer, so that labels may come later.")]
DrainSeconds = Annotated[
    float, typer.Option(help="How long /metrics answers after SIGTERM; use two scrape intervals.", min=0)
]
