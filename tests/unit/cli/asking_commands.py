"""Every command that asks an API server, as people type it."""

from __future__ import annotations

COMMANDS = (
    *((verb, "qa") for verb in ("pause", "resume", "abort", "status", "explain", "diff", "verify", "savings")),
    *((verb, "qa", "--yes") for verb in ("retry", "promote", "approve", "reject")),
    *((verb, "qa") for verb in ("replay", "history", "statement", "wait", "audit")),
    ("report", "qa", "-o", "-"),
    ("verify", "--chain", "qa"),
    ("get",),
    ("audit",),
)
