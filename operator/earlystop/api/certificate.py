"""The part of a policy that says what follows when a certificate lapses. It is live: an edit changes nothing of the
evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from earlystop.api.values import Value

OnChange = Literal["Keep", "Revalidate", "RollBack"]


class CertificatePolicy(Value):
    """What follows when something changes that the promoted setting was certified on."""

    on_change: OnChange = Field(
        "Keep",
        description="What follows when the target's Pod template, its images, its model label, the meaning of a "
        "parameter, or the evaluator's scorer or questions are others than when the setting was certified, for a "
        "minute without a break. The condition Certified tells it in any case. Keep: nothing else. Revalidate: a new "
        "campaign tries the same candidates, as after a retry; the baseline serves meanwhile, since the setting is not "
        "proven any more. RollBack: all requests go back to the baseline, with a verdict.",
    )
