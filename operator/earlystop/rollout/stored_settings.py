"""Settings, and what is known of their losses, as a status stores them, and back."""

from __future__ import annotations

from earlystop.api.policy import Setting
from earlystop.api.status import CertifiedClass, ProvenLossStatus
from earlystop.rollout.state import ClassSetting, ProvenLoss


def settings_text(values: dict[str, str]) -> tuple[Setting, ...]:
    """Value of each parameter as a policy writes it."""
    return tuple(Setting(name=name, value=value) for name, value in values.items())


def values_of(settings: tuple[Setting, ...]) -> dict[str, str]:
    """Inverse of `settings_text`."""
    return {each.name: each.value for each in settings}


def classes_text(classes: tuple[ClassSetting, ...]) -> tuple[CertifiedClass, ...] | None:
    """Settings of query classes; None for none, which a status leaves out."""
    found = (
        CertifiedClass(name=each.query_class, candidate=each.candidate, values=settings_text(each.values))
        for each in classes
    )
    return tuple(found) or None


def losses_text(losses: tuple[ProvenLoss, ...]) -> tuple[ProvenLossStatus, ...] | None:
    """Settings that were proven since a pinned baseline; None for none, which a status leaves out."""
    found = (
        ProvenLossStatus(
            pinned=each.pinned,
            values=settings_text(each.values),
            lost=repr(each.lost),
            risk=repr(each.risk),
            promotions=each.promotions,
        )
        for each in losses
    )
    return tuple(found) or None


def restore_losses(stored: tuple[ProvenLossStatus, ...] | None) -> tuple[ProvenLoss, ...]:
    """Inverse of `losses_text`. Raises ValueError for a loss or a risk that is no number from 0 to 1."""
    found = tuple(
        ProvenLoss(each.pinned, values_of(each.values), float(each.lost), float(each.risk), each.promotions)
        for each in stored or ()
    )
    for each in found:
        if not (0 <= each.lost < 1 and 0 <= each.risk < 1):
            raise ValueError(f"status.losses: a loss of {each.lost} at a risk of {each.risk}, where 0 to 1 can be")
    return found
