"""Settings, and what is known of their losses, as a status stores them, and back."""

from __future__ import annotations

from dataclasses import asdict

from earlystop.api.policy import Setting
from earlystop.api.status.certificate import BindingStatus, CertifiedClass, CertifiedSetting, LapseStatus
from earlystop.api.status.policy import ProvenLossStatus
from earlystop.rollout.certificate.binding import Binding, Lapse, Part
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.state import Certified, ClassSetting, ProvenLoss


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


def certified_text(certified: Certified | None) -> CertifiedSetting | None:
    """The setting that was proven last, as a status has it."""
    if certified is None:
        return None
    values, classes = settings_text(certified.values), classes_text(certified.classes)
    return CertifiedSetting(
        values=values,
        at=rfc3339(certified.at),
        classes=classes,
        bound=_binding_text(certified.bound),
        lapse=_lapse_text(certified.lapse),
    )


def restore_certified(stored: CertifiedSetting | None) -> Certified | None:
    """Inverse of `certified_text`."""
    if stored is None:
        return None
    classes = tuple(ClassSetting(each.name, each.candidate, values_of(each.values)) for each in stored.classes or ())
    bound, lapse = _restore_binding(stored.bound), _restore_lapse(stored.lapse)
    return Certified(values_of(stored.values), from_rfc3339(stored.at), classes, bound, lapse)


def _binding_text(bound: Binding | None) -> BindingStatus | None:
    if bound is None:
        return None
    return BindingStatus.model_validate({**asdict(bound), "at": rfc3339(bound.at)})


def _restore_binding(stored: BindingStatus | None) -> Binding | None:
    return None if stored is None else Binding(**{**stored.model_dump(), "at": from_rfc3339(stored.at)})


def _lapse_text(lapse: Lapse | None) -> LapseStatus | None:
    if lapse is None:
        return None
    changed = tuple(each.value for each in lapse.changed)
    return LapseStatus(
        changed=changed,
        at=rfc3339(lapse.at),
        since=rfc3339(lapse.since),
        is_back=True if lapse.is_back else None,
        moments=tuple(map(rfc3339, lapse.moments)) or None,
    )


def _restore_lapse(stored: LapseStatus | None) -> Lapse | None:
    if stored is None:
        return None
    changed, at, since = tuple(map(Part, stored.changed)), from_rfc3339(stored.at), from_rfc3339(stored.since)
    moments = tuple(map(from_rfc3339, stored.moments or ()))
    if moments and len(moments) != len(changed):
        raise ValueError(f"status.certified.lapse: {len(moments)} moments for {len(changed)} parts that changed")
    return Lapse(changed, at, since, is_back=bool(stored.is_back), moments=moments)


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
