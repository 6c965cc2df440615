"""Runs the reference inference server: `python -m earlystop.demo.server --port 8080`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from earlystop.api.wire import DEFAULT_PREFIX
from earlystop.command_line import plain_app
from earlystop.demo.app import ReferenceServer, ServerSettings
from earlystop.demo.recordings import BUILTIN, Recording, load_recordings
from earlystop.demo.replay import Replay
from earlystop.demo.spoiling import Spoiling
from earlystop.demo.voting import MAXIMUM_WINDOW
from earlystop.exporter.listening import listening, runner_of
from earlystop.exporter.receipts import read_keys

DRAIN_SECONDS = 10.0
"""Two scrapes at an interval of 5 s."""


async def serve(
    recordings: tuple[Recording, ...],
    settings: ServerSettings,
    host: str,
    port: int,
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes running requests and lets the last counts be scraped.

    For drain_seconds after the last answer `/metrics` still answers. A second signal ends the process at once.
    Raises OSError when the address cannot be bound.
    """
    server = ReferenceServer(Replay(recordings), settings)
    async with listening(runner_of(server.application()), host, port) as url:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, server.begin_spoiling)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, server.end_spoiling)
        stop = _stop_signal()
        typer.echo(f"serving {len(recordings)} recorded questions on {url}", err=True)
        await stop.wait()
        await server.drain()
        await asyncio.sleep(drain_seconds)


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the next one does what it does by default."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def on_signal() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    return stop


def main(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for any free one.", min=0, max=65535)] = 8080,
    data: Annotated[str, typer.Option(help="JSONL file of recordings, or 'builtin'.")] = BUILTIN,
    header_prefix: Annotated[str, typer.Option(help="Prefix of the variant's headers.")] = DEFAULT_PREFIX,
    baseline_window: Annotated[
        int, typer.Option(help="Window of requests without the headers.", min=1, max=MAXIMUM_WINDOW)
    ] = MAXIMUM_WINDOW,
    milliseconds_per_word: Annotated[float, typer.Option(help="Simulated generation time.", min=0)] = 0.0,
    policy: Annotated[
        list[str] | None, typer.Option(help="Policy that is served, like llm/qa; no other is counted. May be repeated.")
    ] = None,
    user_header: Annotated[
        str, typer.Option(help="Header that says who asks, for policies in which each user keeps a variant.")
    ] = "",
    settings_file: Annotated[
        str, typer.Option(help="Mounted file with the one policy's settings, for delivery mode ConfigMap; no headers.")
    ] = "",
    names_variants: Annotated[
        bool, typer.Option("--names-variants", help="Name the variant in every answer, for a load that counts them.")
    ] = False,
    slow_wrong_answers: Annotated[
        float, typer.Option(help="Seconds that an answer takes longer when it is wrong.", min=0)
    ] = 0.0,
    unscored_wrong_answers: Annotated[
        float, typer.Option(help="Fraction of candidates' wrong answers that are counted as unscored.", min=0, max=1)
    ] = 0.0,
    cut_answers: Annotated[
        float, typer.Option(help="Fraction of candidates' answers that are cut off, and unscored.", min=0, max=1)
    ] = 0.0,
    empty_answers: Annotated[
        float, typer.Option(help="Fraction of candidates' answers that are empty, and wrong.", min=0, max=1)
    ] = 0.0,
    class_header: Annotated[str, typer.Option(help="Header that says a request's query class; none by default.")] = "",
    classes: Annotated[
        str, typer.Option(help="Its values that are counted apart, like lookup,proof; all others are one class.")
    ] = "",
    spoil_every_variant: Annotated[bool, typer.Option(help="Spoil the baseline's answers, too.")] = False,
    spoil_at_signal: Annotated[
        bool,
        typer.Option(help="Spoil none before SIGUSR1 and after SIGUSR2, so that harm begins and ends when you say."),
    ] = False,
    receipt_key_file: Annotated[
        Path | None,
        typer.Option(help="File of the keys of receipts, by which votes and labels are counted that come later."),
    ] = None,
    late_labels: Annotated[
        bool, typer.Option("--late-labels", help="Score no answer, so that labels may come later.")
    ] = False,
    drain_seconds: Annotated[
        float, typer.Option(help="How long /metrics answers after SIGTERM; use two scrape intervals.", min=0)
    ] = DRAIN_SECONDS,
) -> None:
    """Answers recorded questions by early-stopping self-consistency, by the window, the agreement and the least-samples
    that headers ask for."""
    try:
        recordings = load_recordings(data)
        settings = ServerSettings(
            header_prefix.lower(),
            baseline_window,
            milliseconds_per_word,
            tuple(policy or ()),
            user_header,
            names_variants,
            slow_wrong_answers,
            Spoiling(unscored_wrong_answers, cut_answers, empty_answers, spoil_every_variant),
            settings_file,
            spoil_at_signal,
            () if receipt_key_file is None else read_keys(receipt_key_file),
            late_labels,
            class_header,
            tuple(classes.split(",")) if classes else (),
        )
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    try:
        asyncio.run(serve(recordings, settings, host, port, drain_seconds))
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


if __name__ == "__main__":
    plain_app(main)()
