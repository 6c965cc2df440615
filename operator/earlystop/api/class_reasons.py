"""Reasons of decisions about query classes."""

from __future__ import annotations

CLASS_REASONS = {
    "QueryClassHarmed": "A query class is shown to lose more than its margin; read in the message which one.",
    "ProvenByClass": "Query classes get settings that are proven for each of them; read in status.certified which.",
    "HarmfulInEveryClass": "Every candidate is shown to lose more than the margin in every query class; try more "
    "careful settings.",
}
