"""Requests that people made, as a status stores them, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from earlystop.api.status.handled_requests import HandledRequestStatus
from earlystop.rollout.remembered import HandledRequest


def handled_texts(handled: Iterable[HandledRequest]) -> tuple[HandledRequestStatus, ...] | None:
    """The requests that were dealt with; None for none, which a status leaves out."""
    return tuple(HandledRequestStatus.model_validate(_fields(each)) for each in handled) or None


def restore_handled(stored: Iterable[HandledRequestStatus] | None) -> tuple[HandledRequest, ...]:
    """Inverse of `handled_texts`."""
    return tuple(_restored(each) for each in stored or ())


def _fields(handled: HandledRequest) -> dict[str, Any]:
    return {**asdict(handled), "spent": handled.spent or None}


def _restored(stored: HandledRequestStatus) -> HandledRequest:
    return HandledRequest(stored.verb, stored.text, stored.signature, stored.by, stored.spent or ())
