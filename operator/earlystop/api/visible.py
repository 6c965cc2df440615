"""Text that people read in conditions and events, whoever wrote parts of it."""

from __future__ import annotations


def visible(text: str) -> str:
    """The text without anything that a terminal or a log would act on: such characters become "?". Parts of messages
    come from gateways, servers and tenants; this is the last step before one is stored, so none is forgotten."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def printable(text: str, length: int) -> str:
    """Text of unknown origin for events, logs and records: at most so many characters, each one that can be seen."""
    shown = visible(text[: length + 1])
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
