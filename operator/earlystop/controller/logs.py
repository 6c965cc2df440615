"""The operator's log: one JSON object a line, its time first."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from earlystop import __version__

log = logging.getLogger(__name__)


class _Rfc3339Formatter(JsonFormatter):
    """Times in UTC with milliseconds, as 2026-01-31T12:00:00.000Z; every tool that reads logs knows the form."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """The moment of a line; the library asks for it by this name."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_as_json(level: str) -> None:
    """One JSON object a line on standard output: time, level, logger's name, message, and the fields of a line."""
    handler = logging.StreamHandler(sys.stdout)
    names = {"asctime": "time", "levelname": "level"}
    handler.setFormatter(_Rfc3339Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Kopf says at INFO that each event was handled.
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLogger().level))


def log_beginning(settings: Mapping[str, object]) -> None:
    """The first line: the version, and what the operator was started with. settings: by name, nothing secret among
    them; a Secret is named, never read here."""
    log.info("the operator of version %s begins", __version__, extra={"version": __version__, "settings": settings})
