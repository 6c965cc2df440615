"""How good a candidate is, and the policy that tries it in one step."""

from __future__ import annotations

from tests.unit.rollout.traffic import Quality

# Requests a second: few enough for several looks before a verdict.
SAVING = Quality(mean_tokens=300, requests=40)


HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)


ONE_STEP = {"rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 900}}
