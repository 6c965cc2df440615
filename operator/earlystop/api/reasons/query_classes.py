"""Reasons about query classes, and about headers that tell requests apart."""

from __future__ import annotations

CLASS_REASONS = {
    "QueryClassHarmed": "A query class is proven to lose more than its margin; read in the message which one.",
    "ProvenByClass": "Query classes get settings that are proven for each of them; read in status.certified which.",
    "HarmfulInEveryClass": "Every candidate is proven to lose more than the margin in every query class; try more "
    "careful settings.",
}

HEADER_REASONS = {
    "CohortHeaderInRoute": "The route matches on the cohorts' header itself; write another header for them, "
    "or take the match out of the route.",
    "ClassHeaderInRoute": "The route matches on the header of a query class itself; name another header for them in "
    "queryClasses[].match, or take that match out of the route.",
}
