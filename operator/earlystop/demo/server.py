"""Runs the reference inference server: `python -m earlystop.demo.server --port 8080`."""

from __future__ import annotations

import asyncio
import signal

import typer

from earlystop.api.wire import DEFAULT_PREFIX
from earlystop.command_line import plain_app
from earlystop.demo import options
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


ABOUT = (
    "Answers recorded questions by early-stopping self-consistency, by the window, the agreement and the least-samples "
    "that headers ask for."
)


def main(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = BUILTIN,
    header_prefix: options.HeaderPrefix = DEFAULT_PREFIX,
    baseline_window: options.BaselineWindow = MAXIMUM_WINDOW,
    milliseconds_per_word: options.MillisecondsPerWord = 0.0,
    policy: options.Policies = None,
    user_header: options.UserHeader = "",
    session_header: options.SessionHeader = "",
    settings_file: options.SettingsFile = "",
    names_variants: options.NamesVariants = False,
    slow_wrong_answers: options.SlowWrongAnswers = 0.0,
    unscored_wrong_answers: options.UnscoredWrongAnswers = 0.0,
    cut_answers: options.CutAnswers = 0.0,
    empty_answers: options.EmptyAnswers = 0.0,
    class_header: options.ClassHeader = "",
    classes: options.Classes = "",
    spoil_every_variant: options.SpoilEveryVariant = False,
    spoil_at_signal: options.SpoilAtSignal = False,
    receipt_key_file: options.ReceiptKeyFile = None,
    late_labels: options.LateLabels = False,
    drain_seconds: options.DrainSeconds = DRAIN_SECONDS,
) -> None:
    """The command, whose parameters are its options."""
    try:
        recordings = load_recordings(data)
        settings = ServerSettings(
            header_prefix=header_prefix.lower(),
            baseline_window=baseline_window,
            milliseconds_per_word=milliseconds_per_word,
            policies=tuple(policy or ()),
            user_header=user_header,
            session_header=session_header,
            names_variants=names_variants,
            slow_wrong_answers=slow_wrong_answers,
            spoiling=Spoiling(unscored_wrong_answers, cut_answers, empty_answers, spoil_every_variant),
            settings_file=settings_file,
            spoils_later=spoil_at_signal,
            receipt_keys=() if receipt_key_file is None else read_keys(receipt_key_file),
            late_labels=late_labels,
            class_header=class_header,
            classes=tuple(classes.split(",")) if classes else (),
        )
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    try:
        asyncio.run(serve(recordings, settings, host, port, drain_seconds))
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


if __name__ == "__main__":
    plain_app(main, ABOUT)()
