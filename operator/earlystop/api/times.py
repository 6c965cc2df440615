"""Moments as Kubernetes writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def rfc3339(seconds: int) -> str:
    """A moment as Kubernetes writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(text: str) -> int:
    """Inverse of `rfc3339`. Raises ValueError for anything else."""
    try:
        if _FORM.fullmatch(text) is None:  # strptime also reads small letters and one digit for two
            raise ValueError
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ValueError(f"{text!r} is no time of the form 2026-01-31T12:00:00Z") from None


def rfc3339_or_none(seconds: int | None) -> str | None:
    """As `rfc3339`; None for no moment."""
    return None if seconds is None else rfc3339(seconds)


def from_rfc3339_or_none(text: str | None) -> int | None:
    """As `from_rfc3339`; None for no text."""
    return None if text is None else from_rfc3339(text)
