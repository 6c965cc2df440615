"""Headers that a client sends to pass for what the operator assigns."""

from __future__ import annotations

from earlystop.api.wire import GOLDEN_HEADER

FORGED = {
    **{
        f"x-early-stop-{name}": "forged"
        for name in ("policy", "revision", "step", "variant", "shadow", "token", "parameters")
    },
    **{f"x-early-stop-param-{name}": "1" for name in ("window", "patience")},
    GOLDEN_HEADER: "neither",
}
