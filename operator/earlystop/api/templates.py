"""Templates of a MetricSource: which series of others hold a policy's counts. Its admin alone decides what is asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.values import Value

LONGEST_TEMPLATE = 1024

_BLANKS = r"[ \t\n\r]*"
# Quotes and backslashes only as PromQL's double-quoted strings allow.
_TEXT = r'"([^"\\\n]|\\[\\"n])*"'
_MATCHER = rf"[a-zA-Z_][a-zA-Z0-9_]*{_BLANKS}(=~|!~|!=|=){_BLANKS}{_TEXT}{_BLANKS}"
SELECTOR_PATTERN = rf"^[a-zA-Z_:][a-zA-Z0-9_:]*\{{{_BLANKS}({_MATCHER}(,{_BLANKS}{_MATCHER})*(,{_BLANKS})?)?\}}$"
"""One metric's name and its matchers. Each character has one place in it, so no text takes long to be refused; the API
server checks it too."""

Template = Annotated[
    str,
    Field(min_length=3, max_length=LONGEST_TEMPLATE, json_schema_extra={"pattern": SELECTOR_PATTERN}),
]


class Templates(Value):
    """For the preset Custom: one selector for each count, as `answers_total{variant="{variant}",result="match"}`.

    The placeholders {policy} (namespace/name), {revision} and {variant} stand inside double quotes, and {variant} in
    every template. The counters may restart at 0, may have run before, and may be read in several ways.
    """

    started: Template | None = Field(None, description="Requests that arrived; without it the split is not checked.")
    completed: Template | None = Field(None, description="Requests completed, one for each request of a user.")
    failed: Template | None = Field(None, description="Requests failed.")
    match: Template | None = Field(None, description="Answers that matched exactly.")
    mismatch: Template | None = Field(None, description="Answers that were scored and did not match.")
    unscored: Template | None = Field(None, description="Answers that could not be scored.")
    tokens: Template | None = Field(None, description="Output tokens of completed requests.")
    tokens_squared: Template | None = Field(None, description="Sum of the squares of these, a request at a time.")
    feedback_up: Template | None = Field(None, description="Answers that users liked.")
    feedback_down: Template | None = Field(None, description="Answers that users disliked.")
    pairs_both: Template | None = Field(None, description="Questions that both variants answered right.")
    pairs_baseline_only: Template | None = Field(None, description="Questions that the baseline alone got right.")
    pairs_candidate_only: Template | None = Field(None, description="Questions that the candidate alone got right.")
    pairs_neither: Template | None = Field(None, description="Questions that neither got right.")
    empty: Template | None = Field(None, description="Answers that were empty.")
    cut: Template | None = Field(None, description="Answers that were cut off at a limit of tokens.")
    pairs_whole: Template | None = Field(
        None, description="Questions of which both variants' answers came and could be scored."
    )
    pairs_without_baseline_right: Template | None = Field(
        None, description="Questions of which the baseline's answer is missing and the candidate's is right."
    )
    pairs_without_baseline_wrong: Template | None = Field(
        None, description="Questions of which the baseline's answer is missing and the candidate's is wrong."
    )
    pairs_without_candidate_right: Template | None = Field(
        None, description="Questions of which the candidate's answer is missing and the baseline's is right."
    )
    pairs_without_candidate_wrong: Template | None = Field(
        None, description="Questions of which the candidate's answer is missing and the baseline's is wrong."
    )

    def by_field(self) -> dict[str, str]:
        """The templates that are written, by field of `Tally`."""
        return self.model_dump(exclude_none=True)
