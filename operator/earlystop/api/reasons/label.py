"""The reasons of counts whose labels were lost on the way from the server, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LABEL_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "ProcessMissing": "Counters come without the label process, by which processes are told apart; take the "
        "labeldrop or relabelling that removes it out of the scrape config, and let every server export it.",
        "ProcessShared": "Several targets export the same process label, so their counts cannot be told apart; let "
        "each process export an id of its own, new at every start, and scrape a server at one address only.",
        "LabelOverwritten": "The scrape overwrites a label of the counters and keeps theirs as exported_NAME; write "
        "honor_labels: true in the scrape config (honorLabels in a PodMonitor or ServiceMonitor).",
    }
)
