"""The savings ledger as it stands in a policy's status, and back."""

from __future__ import annotations

from earlystop.api.savings import SavingsStatus
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.savings.ledger import SavingsLedger, packed, unpacked


def savings_status(ledger: SavingsLedger | None) -> SavingsStatus | None:
    """What the status says of a ledger; None before anything was booked."""
    if ledger is None:
        return None
    sums = ledger.sums
    return SavingsStatus(
        since=rfc3339(ledger.since),
        until=rfc3339(ledger.until),
        requests=sums.requests,
        tokens=sums.tokens,
        saved_tokens=sums.saved,
        golden_tokens=sums.golden,
        shadow_tokens=sums.shadows,
        lost_tokens=sums.lost,
        doubtful_steps=sums.doubtful,
        packed=packed(ledger),
    )


def restore_savings(stored: SavingsStatus | None) -> SavingsLedger | None:
    """Inverse of `savings_status`. Raises ValueError for a status that this operator did not write."""
    if stored is None:
        return None
    return unpacked(stored.packed or "", from_rfc3339(stored.since or ""), from_rfc3339(stored.until or ""))
