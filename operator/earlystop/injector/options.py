"""The options with which an injector is started: the type of each, with the sentence that `--help` says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.api.body_knobs import Engine

EngineName = Annotated[Engine, typer.Option(help="Whose fields are meant.")]
Upstream = Annotated[str, typer.Option(help="URL of the engine, or of the Service before it.")]
UpstreamHost = Annotated[str, typer.Option(help="Host header of requests to the upstream, where that is a gateway.")]
InnerMark = Annotated[
    str,
    typer.Option(help="Mark of a gateway's inner rule: the upstream is that gateway, and leads on by the mark."),
]
ParameterKnobs = Annotated[
    list[str] | None, typer.Option(help="NAME=KNOB, as in budget=ThinkingBudget. May be repeated.")
]
ParametersFile = Annotated[
    Path | None, typer.Option(help="YAML file of parameters, for fields without a knob.", exists=True)
]
SettingsText = Annotated[str, typer.Option(help="The same as --parameters, as JSON text: what the operator writes.")]
CountOnly = Annotated[
    bool,
    typer.Option(help="Write into no body: settings of the engine's own process are tried (delivery.mode Workload)."),
]
GatewayWrites = Annotated[
    bool,
    typer.Option(help="Check that a gateway has written, and write what it left out (delivery.mode GatewayBody)."),
]
Policies = Annotated[
    list[str] | None, typer.Option(help="Policy that is served, like llm/qa; no other is counted. May be repeated.")
]
HeaderPrefix = Annotated[str, typer.Option(help="Prefix of the variant's headers.")]
UserHeader = Annotated[
    str, typer.Option(help="Header that says who asks, for policies in which each user keeps a variant.")
]
WeightsFile = Annotated[str, typer.Option(help="Mounted file of one policy's weights: variants are drawn here.")]
UserKey = Annotated[str, typer.Option(help="Header=NAME, Cookie=NAME or ApiKey: users keep a variant drawn.")]
ReceiptKeyFile = Annotated[
    Path | None,
    typer.Option(help="File of the keys of receipts, by which votes and labels are counted that come later."),
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port of the engine's API, 0 for any free one.", min=0, max=65535)]
AdminPort = Annotated[int, typer.Option(help="Port of /metrics, /healthz and /readyz.", min=0, max=65535)]
DrainSeconds = Annotated[
    float, typer.Option(help="How long metrics are served after the last answer; two scrape intervals.", min=0)
]
