"""The injector's process: `python -m earlystop.injector --engine VLLM --upstream http://qwen:8000 ...`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import typer
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import TypeAdapter, ValidationError
from yarl import URL

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import WrittenSettings, body_settings
from earlystop.api.by_headers import HeaderPrefix
from earlystop.api.wire import DEFAULT_PREFIX
from earlystop.command_line import plain_app
from earlystop.exporter.assignment import checked_policies
from earlystop.exporter.listening import WITHOUT_REQUESTS, listening_on, runner_of
from earlystop.exporter.receipts import read_keys
from earlystop.injector import options
from earlystop.injector.drawing import KINDS, DrawingSettings, UserKey
from earlystop.injector.parent_link import BACKLOG, ParentLink
from earlystop.injector.proxy import Injector, InjectorSettings
from earlystop.injector.settings import read_file, read_text, read_words
from earlystop.injector.telemetry import Restarts
from earlystop.injector.upstream import MAX_HEADERS, MAX_LINE, Upstream

DRAIN_SECONDS = 10.0
"""Two scrapes at an interval of 5 s."""
LEAVE_SECONDS = 2.0
"""For how long requests are still taken, the last one of each connection."""

YOUNG_OBJECTS = 10_000
"""Objects between two collections of cycles; one request leaves a few dozen, and Python's default is 700."""


class InnerRule(NamedTuple):
    """How a gateway's inner rule leads to the engine, as `Upstream` has it."""

    host: str = ""
    mark: str = ""


NO_INNER_RULE = InnerRule()


@asynccontextmanager
async def serving(
    upstream_url: str,
    settings: InjectorSettings,
    host: str,
    port: int,
    admin_port: int,
    drain_seconds: float = 0.0,
    leave_seconds: float = 0.0,
    inner: InnerRule = NO_INNER_RULE,
    parent: ParentLink | None = None,
) -> AsyncIterator[tuple[str, str]]:
    """Serves while the block runs; gives both URLs, with the real ports where a port is 0.

    At its end each connection gets one answer more, for leave_seconds; then no request is taken any more, those that
    run are finished, and the injector's own pages are served for drain_seconds after the last of them, so that its
    counts are scraped.

    The injector's own pages have a port of their own, since an engine has pages called /metrics and /health, too.
    parent: of a worker, whose sockets outlive it. Raises OSError when an address cannot be bound.
    """
    parent = parent or ParentLink()
    listeners = parent.listeners(host, port, admin_port)
    upstream, registry = Upstream(upstream_url, *inner), CollectorRegistry()
    registry.register(Restarts(parent.restarts))
    injector = Injector(upstream, settings, registry)
    # A client that goes away ends its request at the engine, too; and a packed body goes on as it came.
    main = web.ServerRunner(
        injector.server(
            **WITHOUT_REQUESTS,
            handler_cancellation=True,
            auto_decompress=False,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
        )
    )
    try:
        async with listening_on(runner_of(_admin(upstream, registry)), listeners.pages, BACKLOG) as admin_url:
            async with listening_on(main, listeners.requests, BACKLOG) as url:
                parent.serving(listeners)
                yield url, admin_url
                injector.leave()
                await asyncio.sleep(leave_seconds)
            await asyncio.sleep(drain_seconds)
    finally:
        await upstream.close()


def _admin(upstream: Upstream, registry: CollectorRegistry) -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if await upstream.answers():
            return web.Response(text="ok\n")
        return web.Response(text="the engine cannot be reached\n", status=503)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


async def serve(
    upstream_url: str,
    settings: InjectorSettings,
    host: str,
    port: int,
    admin_port: int,
    drain_seconds: float,
    inner: InnerRule = NO_INNER_RULE,
    parent: ParentLink | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, finishes running requests, and lets the last counts be scraped. It ends at once
    with its parent."""
    parent = parent or ParentLink()
    parent.end_with_parent()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = serving(upstream_url, settings, host, port, admin_port, drain_seconds, LEAVE_SECONDS, inner, parent)
    async with service as (url, admin):
        typer.echo(f"passing requests on {url} to {upstream_url}; metrics on {admin}/metrics", err=True)
        await stop.wait()


ABOUT = "Write the settings that the overlay's headers name into requests' bodies, and count answers by variant."


def run(
    engine: options.EngineName,
    upstream: options.Upstream,
    upstream_host: options.UpstreamHost = "",
    inner_mark: options.InnerMark = "",
    parameter: options.ParameterKnobs = None,
    parameters: options.ParametersFile = None,
    settings: options.SettingsText = "",
    count_only: options.CountOnly = False,
    gateway_writes: options.GatewayWrites = False,
    policy: options.Policies = None,
    header_prefix: options.HeaderPrefix = DEFAULT_PREFIX,
    user_header: options.UserHeader = "",
    weights: options.WeightsFile = "",
    user_key: options.UserKey = "",
    receipt_key_file: options.ReceiptKeyFile = None,
    host: options.Host = "0.0.0.0",  # noqa: S104
    port: options.Port = 8000,
    admin_port: options.AdminPort = 9464,
    drain_seconds: options.DrainSeconds = DRAIN_SECONDS,
) -> None:
    """The command, whose parameters are its options."""
    try:
        engine_url = checked_upstream(upstream)
        if upstream_host and not inner_mark:
            raise ValueError("--upstream-host is for a gateway with an inner rule; write --inner-mark, or remove it")
        written = _written(engine, parameter or [], parameters, settings, count_only=count_only)
        fields = {} if written is None else body_settings(written)
        policies = tuple(checked_policies(policy or ()))
        drawing = drawing_of(weights, policies, user_key)
        if drawing is not None and count_only:
            raise ValueError("--count-only writes no setting, so none can be drawn; write either it or --weights")
        if gateway_writes and (count_only or drawing is not None):
            raise ValueError("--gateway-writes is for settings that a gateway draws and writes; write it alone")
        keys = () if receipt_key_file is None else read_keys(receipt_key_file)
        own = InjectorSettings(
            fields,
            header_prefix=checked_prefix(header_prefix),
            policies=policies,
            user_header=user_header,
            drawing=drawing,
            receipt_keys=keys,
            gateway_writes=gateway_writes,
        )
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    tune_process()
    try:
        inner = InnerRule(upstream_host, inner_mark)
        parent = ParentLink.of_this_process()
        asyncio.run(serve(engine_url, own, host, port, admin_port, drain_seconds, inner, parent))
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on {host}: {error.strerror or error}") from None


def tune_process() -> None:
    """Before the event loop runs: a faster one where it is installed, and a collector of cycles that never again looks
    at what was imported, and seldom at what a request leaves. That took a tenth of a request's time."""
    with contextlib.suppress(ImportError):
        importlib.import_module("uvloop").install()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def checked_upstream(url: str) -> str:
    """The engine's URL. Raises ValueError that says what to write instead."""
    try:
        told = URL(url)
        is_root = told.path in ("", "/") and not told.raw_query_string and not told.raw_fragment
        port = told.port
    except ValueError as error:
        raise ValueError(f"--upstream {url!r} is no URL: {error}; write one like http://qwen:8000") from None
    if told.scheme not in ("http", "https") or not told.host or not port:
        raise ValueError(f"--upstream {url!r} needs http:// or https:// and a host; write one like http://qwen:8000")
    if not is_root:
        raise ValueError(
            f"--upstream {url!r} goes on after the host, and requests keep the path that the client wrote; write "
            f"{told.origin()} alone"
        )
    return url


def drawing_of(weights: str, policies: tuple[str, ...], user_key: str) -> DrawingSettings | None:
    """How variants are drawn, None where no file of weights is named. Raises ValueError that says what to write."""
    if not weights:
        if user_key:
            raise ValueError("--user-key is for an injector that draws variants; write --weights FILE, or remove it")
        return None
    if len(policies) != 1:
        raise ValueError("--weights are those of one policy; write --policy NAMESPACE/NAME once")
    kind, _, name = user_key.partition("=")
    if user_key and (kind not in KINDS or (kind == "ApiKey") == bool(name)):
        raise ValueError(f"--user-key {user_key!r} is none; write Header=NAME, Cookie=NAME or ApiKey")
    return DrawingSettings(weights, policies[0], UserKey(kind, name) if user_key else None)


def checked_prefix(prefix: str) -> str:
    """The headers' prefix, as a policy may have it. Raises ValueError that says what to write instead."""
    try:
        return TypeAdapter(HeaderPrefix).validate_python(prefix)
    except ValidationError:
        raise ValueError(
            f"--header-prefix {prefix!r} is none that a policy can have; write at most 32 lower-case letters, digits "
            f"and hyphens that begin with a letter and end with a hyphen, like {DEFAULT_PREFIX}"
        ) from None


def _written(
    engine: Engine, words: list[str], path: Path | None, text: str, *, count_only: bool
) -> WrittenSettings | None:
    """The settings for bodies, None where none is written. Raises ValueError that says what to write, and OSError."""
    if [bool(words), path is not None, bool(text), count_only].count(True) != 1:
        raise ValueError(
            "write either --parameter NAME=KNOB, once or more, or --parameters FILE, or --settings JSON, or "
            "--count-only"
        )
    if count_only:
        return None
    if words:
        return read_words(engine, words)
    written = read_text(text) if path is None else read_file(path)
    if written.engine is not engine:
        where = "--settings" if path is None else path
        raise ValueError(f"--engine is {engine} and {where} says {written.engine}; write the same in both")
    return written


def main() -> None:
    """Entry point of the command."""
    plain_app(run, ABOUT)()
