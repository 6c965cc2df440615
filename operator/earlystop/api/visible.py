"""Text that people read in conditions and events, whoever wrote parts of it."""

from __future__ import annotations


def visible(text: str) -> str:
    """The text without anything that a terminal or a log would act on: such characters become "?". Parts of messages
    come from gateways, servers and tenants; this is the last step before one is stored, so none is forgotten."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
