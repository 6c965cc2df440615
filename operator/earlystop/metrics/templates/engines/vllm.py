"""vLLM's own counters of finished sequences and their tokens.

What they do not tell, as measured on vLLM 0.32.0 (`operator/docs/stock-engines.md` has it whole):
failures: a request that its client gave up, and one that is refused with 4xx, is in no counter of these, neither as
completed nor as failed. So there is no template for `failed`: it would always say 0.
requests: a request for n choices counts n times. tokens: those of reasoning are among them, and cannot be told apart.
whose: all that the Pod serves, its health checks, warm-ups, adapters and other routes too; one series for each engine
of data parallelism, which are added.
restarts: with several API servers in a Pod (the default of data parallelism) it does not say when it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        # As many sequences as are in the sum below: a mean over others would be biased.
        "completed": "vllm:request_generation_tokens_count{}",
        # Not generation_tokens_total, which grows while requests still run and holds those of abandoned ones.
        "tokens": "vllm:request_generation_tokens_sum{}",
    }
)
