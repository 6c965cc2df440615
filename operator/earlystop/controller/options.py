"""How the operator is started: the options of its command, which the chart gives.

They are read by Python's own parser: a library for commands with screens would stay in the operator's memory for good.
"""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

from earlystop.api.addresses import Network
from earlystop.api.values import NAME_PATTERN
from earlystop.controller.campaign_tokens import DEFAULT_SECRET
from earlystop.controller.hooks.addresses import api_server_networks
from earlystop.controller.record.keeper import DEFAULT_LEASE, RecordSettings
from earlystop.controller.release_lease import RELEASE_LEASE
from earlystop.rollout.record.retention import Retention

ABOUT = "Run the early-stop rollout operator."
NAMESPACE = re.compile(NAME_PATTERN)
LONGEST_NAMESPACE = 63
"""Of a namespace as the API server takes it (RFC 1123), which is no pattern of several, as Kopf would read."""
LAST_PORT = 65535


class LogLevel(StrEnum):
    """The levels of Python's log that say something of the operator."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the operator was started; the options of the command say what each is for.

    host, port: of health, metrics and reports. namespaces: that are served; empty for all.
    token_key: Secret with the key of campaigns' tokens. lease_name: of this release.
    injector_image: "" where no injectors may be run. gateway_bodies: whether gateways' own objects are made.
    inference_pools: whether injectors may send on to InferencePools.
    refused_networks: to which no webhook is sent. serve_reports: whether reports are served.
    record: how verdicts are kept and published. policy_metrics: whether metrics name policies.
    """

    host: str
    port: int
    namespaces: list[str]
    token_key: str
    lease_name: str
    injector_image: str
    gateway_bodies: bool
    inference_pools: bool
    refused_networks: Sequence[Network]
    serve_reports: bool
    record: RecordSettings
    policy_metrics: bool


def settings_in(arguments: Sequence[str] | None = None) -> Namespace:
    """The settings that arguments of the command give, those of this process by default. Ends the process where they
    cannot be understood, or help is asked for."""
    return _parser().parse_args(arguments)


def options_of(settings: Namespace) -> Options:
    """What the settings of the command mean. Raises ValueError when the environment gives the API server no address
    that is one."""
    return Options(
        host=settings.host,
        port=settings.port,
        namespaces=settings.namespace,
        token_key=settings.token_key,
        lease_name=settings.lease,
        injector_image=settings.injector_image,
        gateway_bodies=settings.gateway_bodies,
        inference_pools=settings.inference_pools,
        refused_networks=[*api_server_networks(os.environ), *map(_network, settings.refused_network)],
        serve_reports=settings.serve_reports,
        record=RecordSettings(settings.record_lease, Retention(settings.keep_verdicts, settings.keep_days)),
        policy_metrics=settings.policy_metrics,
    )


def _parser() -> ArgumentParser:
    parser = ArgumentParser("earlystop-operator", description=ABOUT, allow_abbrev=False)
    add = parser.add_argument
    add("--host", default="0.0.0.0", help="Address for /healthz, /readyz and /metrics.")  # noqa: S104
    add("--port", default=8080, type=_port, help="Port for /healthz, /readyz and /metrics.")
    add("--namespace", default=[], action="append", type=_namespace, help="Watch this namespace only; may be repeated.")
    key = "Secret of the operator's own namespace that keeps the key of campaigns' tokens."
    add("--token-key", default=DEFAULT_SECRET, help=key)
    lease = "Lease of the operator's own namespace, by which a second release is noticed."
    add("--lease", default=RELEASE_LEASE, help=lease)
    image = "Image of injectors for delivery.mode RequestBody; without it that mode is refused."
    add("--injector-image", default="", help=image)
    _add_switches(parser)
    networks = "Network of the cluster, as 203.0.113.0/24, to which no webhook is sent; may be repeated."
    add("--refused-network", default=[], action="append", type=_network_text, help=networks)
    digest = "Lease of the operator's own namespace that publishes a digest over all verdicts."
    add("--record-lease", default=DEFAULT_LEASE, help=digest)
    keep = "Keep the latest so many verdicts of each policy; 0 keeps all."
    add("--keep-verdicts", default=0, type=_natural, help=keep)
    add("--keep-days", default=0, type=_natural, help="Keep verdicts for so many days; 0 keeps all.")
    levels = list(map(str, LogLevel))
    add("--log-level", default=LogLevel.INFO.value, choices=levels, help="The lowest level that is logged.")
    return parser


def _add_switches(parser: ArgumentParser) -> None:
    for name, default, help_text in (
        ("gateway-bodies", False, "Make objects of gateways for delivery.mode GatewayBody, refused without it."),
        ("inference-pools", False, "Let injectors send on to InferencePools, by the gateway; refused without it."),
        ("serve-reports", False, "Serve /report/NAMESPACE/NAME on the same port, to whoever may read the policy."),
        ("policy-metrics", True, "Whether /metrics names policies, with their numbers; else sums of all alone."),
    ):
        parser.add_argument(f"--{name}", default=default, action=BooleanOptionalAction, help=help_text)


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LAST_PORT)) and int(text) <= LAST_PORT):
        raise ArgumentTypeError(f"{text!r} is no port from 0 to {LAST_PORT}; 0 takes any that is free")
    return int(text)


def _namespace(text: str) -> str:
    if len(text) > LONGEST_NAMESPACE or not NAMESPACE.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no name of a namespace; give the option once for each")
    return text


def _network(text: str) -> Network:
    return ip_network(text, strict=False)


def _network_text(text: str) -> str:
    try:
        _network(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no network; write it as 203.0.113.0/24") from None
    return text
