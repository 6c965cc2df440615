"""Examples as somebody applies them who has read them: the annotation on who changes a policy names whoever applies it.

Where the chart's admission policies stand, as a test beside may have left them, a policy signed by another is refused.
"""

from __future__ import annotations

SIGNED_IN_EXAMPLES = "earlystop.dev/changed-by: kubernetes-admin"
APPLIES = "admin"
"""The user whom the tests' kubeconfig is of (`control_plane`)."""


def signed(text: str) -> str:
    """The text of an example, signed by the tests' user."""
    return text.replace(SIGNED_IN_EXAMPLES, f"earlystop.dev/changed-by: {APPLIES}")
