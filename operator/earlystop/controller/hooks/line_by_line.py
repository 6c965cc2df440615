"""A connection whose answer is parsed line by line: what follows an answer's end, or breaks its body, takes back no
status that was received whole.

A parser of HTTP that gets both at once reports the fault and drops the answer before it, as that of a receiver that
writes a body with 204. Its message would be sent again although it was taken.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

MOST_LINES = 256
"""Of what is received at once; the rest is parsed as it is."""


class LineByLine(ResponseHandler):
    """What gets the bytes of one connection, and gives its parser each line apart, until that has found a fault."""

    def data_received(self, data: bytes) -> None:
        """Bytes that were received; none where a pause in reading ends."""
        *lines, rest = data.split(b"\n", MOST_LINES)
        for part in (*(line + b"\n" for line in lines), *([rest] if rest or not lines else [])):
            if self.exception() is None:
                super().data_received(part)


class LineByLineConnector(aiohttp.TCPConnector):
    """Makes such connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_line_by_line, loop=self._loop)


def _line_by_line(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return LineByLine(loop)
