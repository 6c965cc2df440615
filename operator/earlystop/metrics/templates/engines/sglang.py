"""SGLang's own counters of finished requests and their tokens, with `--enable-metrics`.

What they do not tell, as measured on the collector of SGLang 0.5.23 (`operator/docs/stock-engines.md` has it whole):
failures: it counts messages that abort, of which one may end many requests, and a request that is aborted while it runs
counts as finished too. So there is no template for `failed`.
births: no series exists before its first request has finished, and no start time says when the process began. So the
first value of each series is uncertain, and so is growth after a fall.
series: several a Pod, by whether the client streamed, and by priority and custom labels; they are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "sglang:num_requests_total{}",
        "tokens": "sglang:generation_tokens_total{}",
    }
)
