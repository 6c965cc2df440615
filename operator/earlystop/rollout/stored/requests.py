"""Requests that people made, as a status stores them, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from earlystop.api.status.handled_requests import HandledRequestStatus
from earlystop.rollout.remembered import HandledRequest


def handled_texts(handled: Iterable[HandledRequest]) -> tuple[HandledRequestStatus, ...] | None:
    """The requests that were dealt with; None for none, which a status leaves out."""
    return tuple(HandledRequestStatus.model_validate(asdict(each)) for each in handled) or None


def restore_handled(stored: Iterable[HandledRequestStatus] | None) -> tuple[HandledRequest, ...]:
    """Inverse of `handled_texts`."""
    return tuple(HandledRequest(each.verb, each.text, each.signature, each.by) for each in stored or ())
