"""Python's search for cycles passes neither through modules nor through collected tests, as in the operator itself.

There are hundreds of thousands of these objects and all of them stay; what tests make is nearly always freed by its
count of references.
"""

from __future__ import annotations

import gc

from earlystop.controller.main import COLLECT_AFTER


def pytest_collection_finish() -> None:
    """Leaves what there is out of every later search, which comes as seldom as in the operator."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
