"""Secrets that are planted wherever an operator reads one, and the bad answers that it gets with them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.unit.metrics.source.faulty_server import Handler

Manifest = dict[str, Any]


@dataclass
class Planted:
    """Every secret gets a text of its own that stands nowhere else, so that it can be looked for."""

    planted: dict[str, str] = field(default_factory=dict)

    def secret(self, what: str) -> str:
        """A text for this use."""
        return self.planted.setdefault(what, f"planted{len(self.planted):03}{what.encode().hex()[:12]}")

    def found_in(self, shown: str) -> list[str]:
        """Uses of which the secret stands there: as it is, by base64 at any offset, or as in an address."""
        return sorted(what for what, text in self.planted.items() if any(form in shown for form in _forms(text)))


def _forms(text: str) -> Iterable[str]:
    raw = text.encode()
    yield from (text, quote(text), raw.hex())
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + raw).decode()
        # Without what depends on the bytes before and after it.
        yield encoded[4 if offset else 0 : -4]


def answers(planted: Planted) -> dict[str, Callable[[Handler], None]]:
    """Bad answers by the first part of a path. Each repeats what it was sent, as a debugging proxy does."""

    def echo(handler: Handler) -> bytes:
        _, headers, body = handler.server.requests[-1]
        return f"{handler.path} {headers} {body} {planted.secret('body')}".encode()

    def redirect(handler: Handler) -> None:
        handler.reply(302, echo(handler), Location=f"http://127.0.0.1:9/{planted.secret('location')}")

    def slow(handler: Handler) -> None:
        time.sleep(2.5)
        handler.reply(200, echo(handler))

    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(echo(handler))
        handler.close_connection = True

    def error(handler: Handler) -> None:
        said = echo(handler).decode().replace('"', "'").replace("\\", "/")
        text = f'{{"status": "error", "errorType": "{planted.secret("kind")}", "error": "{said}"}}'
        handler.reply(400, text.encode())

    def status(code: int) -> Callable[[Handler], None]:
        return lambda handler: handler.reply(code, echo(handler), **{"WWW_Authenticate": planted.secret("challenge")})

    return {
        "401": status(401),
        "403": status(403),
        "404": status(404),
        "429": status(429),
        "500": status(500),
        "503": status(503),
        "redirect": redirect,
        "slow": slow,
        "cut": cut,
        "error": error,
        "page": lambda handler: handler.reply(200, b"<html>" + echo(handler), "text/html"),
        "json": lambda handler: handler.reply(200, b'{"status":"success","data":"' + echo(handler) + b'"}'),
        "none": lambda handler: handler.reply(204, b""),
    }


def answer(planted: Planted) -> Callable[[Handler], None]:
    """The bad answer that the path asks for."""
    known = answers(planted)
    return lambda handler: known[handler.path.split("/")[1]](handler)
