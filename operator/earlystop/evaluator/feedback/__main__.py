"""Runs the feedback endpoint: `python -m earlystop.evaluator.feedback --policy llm/qa --receipt-key-file FILE …`."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server

from earlystop.command_line import plain_app
from earlystop.evaluator.feedback.endpoint import PATH, Endpoint
from earlystop.evaluator.feedback.intake import Intake
from earlystop.evaluator.feedback.rules import LABEL_SECONDS, LONGEST_SECONDS, FeedbackRules
from earlystop.evaluator.feedback.telemetry import Telemetry
from earlystop.evaluator.feedback.vote_store import VoteStore, open_vote_store
from earlystop.exporter.assignment import checked_policies
from earlystop.exporter.export import Exporter
from earlystop.exporter.listening import listening
from earlystop.exporter.receipts import Receipts, read_keys

SECONDS_BETWEEN_COUNTS = 1.0
DRAIN_SECONDS = 10.0
"""Two scrapes at an interval of 5 s."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where it listens: host of both, port of the endpoint and of /metrics, 0 for any. drain_seconds: how long the
    metrics are served after the last vote."""

    host: str
    port: int
    metrics_port: int
    drain_seconds: float = DRAIN_SECONDS


async def serve(
    receipts: Receipts, rules: FeedbackRules, store: VoteStore, label_keys: Sequence[bytes], addresses: Addresses
) -> None:
    """Serves until SIGTERM or SIGINT, and then lets the last counts be scraped. The metrics have a port of their own,
    since users reach the endpoint and shall not read how the variants do. Raises OSError when it cannot listen."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry)
    exporter = Exporter(registry, demands_token=False, policies=rules.policies, serves_requests=False)
    intake = Intake(receipts, rules, store, exporter, telemetry)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server, thread = start_http_server(addresses.metrics_port, addr=addresses.host, registry=registry)
    runner = Endpoint(intake, telemetry, label_keys).runner()
    try:
        async with listening(runner, addresses.host, addresses.port) as url:
            typer.echo(f"taking votes on {url}{PATH}; metrics on port {server.server_port}", err=True)
            await count_labels(intake, stop)
        await asyncio.sleep(addresses.drain_seconds)
    finally:
        server.shutdown()
        thread.join()


async def count_labels(intake: Intake, stop: asyncio.Event) -> None:
    """Counts labels in their moment, until `stop` is set. A file that fails is tried again: labels count later then."""
    while not stop.is_set():
        try:
            intake.count_due()
        except OSError as error:
            log.error("labels cannot be read or taken off the disk (%s), so they wait", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SECONDS_BETWEEN_COUNTS)


ABOUT = (
    "Takes users' votes on responses, and labels that say later whether these were right, and counts them by the "
    "variant that answered."
)


def main(
    policy: Annotated[list[str], typer.Option(help="NAMESPACE/NAME of a policy that is counted. May be repeated.")],
    receipt_key_file: Annotated[
        Path, typer.Option(help="File of the keys of receipts, a line each: the same that the servers have.")
    ],
    label_key_file: Annotated[
        Path | None,
        typer.Option(help="File of the keys of those who may label, a line each. Without it no label is taken."),
    ] = None,
    label_seconds: Annotated[
        int, typer.Option(help="How old a request is when its label counts; later labels are left out.", min=0)
    ] = LABEL_SECONDS,
    longest_seconds: Annotated[
        int, typer.Option(help="How old a request may be that is voted on.", min=1)
    ] = LONGEST_SECONDS,
    state: Annotated[
        Path | None, typer.Option(help="File that keeps which responses were voted on, and labels that wait.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int, typer.Option(help="Port of the endpoint, 0 for any.", min=0, max=65535)] = 8090,
    metrics_port: Annotated[int, typer.Option(help="Port of /metrics, 0 for any.", min=0, max=65535)] = 9465,
    drain_seconds: Annotated[
        float, typer.Option(help="How long metrics are served after SIGTERM; use two scrape intervals.", min=0)
    ] = DRAIN_SECONDS,
) -> None:
    """The command, whose parameters are its options."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        rules = FeedbackRules(tuple(checked_policies(policy)), longest_seconds, label_seconds)
        receipts = Receipts(read_keys(receipt_key_file))
        label_keys = () if label_key_file is None else read_keys(label_key_file)
        if state is None:
            log.warning("no --state FILE is given: after a restart nobody can vote on responses before it")
        addresses = Addresses(host, port, metrics_port, drain_seconds)
        with open_vote_store(state, time.time()) as store:
            asyncio.run(serve(receipts, rules, store, label_keys, addresses))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(
            f"cannot listen on {host}, ports {port} and {metrics_port}: {error.strerror or error}"
        ) from None


if __name__ == "__main__":
    plain_app(main, ABOUT)()
