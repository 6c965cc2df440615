"""How often a policy's scorer agrees with the known scores of recorded answers, before a moment and since."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.wire import AGREE, DISAGREE, FROZEN, RESULT
from earlystop.metrics.convention.query import READING, of_policy
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.source.sample_value import LARGEST_COUNT
from earlystop.metrics.vectors import InstantVectors

BEFORE, SINCE = "before", "since"
RESULTS = (AGREE, DISAGREE)


@dataclass(frozen=True, slots=True)
class FrozenQuestion:
    """What is asked for, up to a moment: a policy's recorded answers of the last `seconds`, and of `before_seconds`
    that ended `ago_seconds` before it.

    namespace_label: the label that the scraper sets to the target's namespace, None for none.
    """

    policy: str
    seconds: int
    before_seconds: int
    ago_seconds: int
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class FrozenCounts:
    """About how many recorded answers were scored as known, and otherwise, before and since."""

    agreed_before: int
    disagreed_before: int
    agreed: int
    disagreed: int


def frozen_query(question: FrozenQuestion) -> str:
    """The PromQL text for one question."""
    chosen = of_policy(question.policy, question.namespace_label)
    since = f"[{question.seconds}s]"
    before = f"[{question.before_seconds}s] offset {question.ago_seconds}s"
    counted = (
        (f"sum by ({RESULT})(increase({FROZEN}{{{chosen}}}{time}))", name)
        for time, name in ((since, SINCE), (before, BEFORE))
    )
    return " or ".join(f'label_replace({rows},"{READING}","{name}","","")' for rows, name in counted)


def read_frozen(client: InstantVectors, question: FrozenQuestion, at: int) -> FrozenCounts | MetricsFailure | None:
    """What was counted until Unix second `at`, None where nobody scores recorded answers or a value is no count, or why
    nobody knows."""
    try:
        samples = client.instant_vector(frozen_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    rows = {(labels.get(READING), labels.get(RESULT)): value for labels, value in samples}
    if not all(0 <= value <= LARGEST_COUNT for value in rows.values()):  # NaN fails the comparison
        return None
    counted = {row: round(value) for row, value in rows.items()}
    if not any((SINCE, result) in counted for result in RESULTS):
        return None
    return FrozenCounts(*(counted.get((reading, result), 0) for reading in (BEFORE, SINCE) for result in RESULTS))
