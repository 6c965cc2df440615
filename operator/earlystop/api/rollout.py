"""The part of a policy that says in which steps traffic moves, and what happens when nothing can be shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.gates import Gates
from earlystop.api.strategies import DEFAULT_STRATEGY, STRATEGIES, StrategyTraits
from earlystop.api.values import Percent, RowOf, Value, rules


class Step(Value):
    """A share of traffic for a candidate and how long it is watched at least."""

    weight: Percent = Field(
        description="Percent of traffic that tries the candidate; with strategy ABTest, each candidate."
    )
    minimum_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        description="Least time of evidence at this weight before the next step or a promotion, however safe the "
        "candidate is proven to be before. Absent: none.",
    )


Steps = Annotated[
    tuple[Step, ...],
    Field(
        max_length=20,
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.map(s, s.weight).isSorted() && self.all(s, self.exists_one(t, t.weight == s.weight))",
                    "message": "rollout.steps: weights must rise from step to step, for example 5, 25, 50",
                }
            ]
        },
    ),
]


class OnNoMetrics(Value):
    """What happens while counts cannot be read. Only a running rollout is ever rolled back by this."""

    hold_seconds: int = Field(
        300,
        ge=0,
        le=604_800,
        description="How long counts may be unreadable before then is done: nothing is promoted meanwhile, and "
        "weights stay.",
    )
    then: Literal["RollBack", "Hold"] = Field("RollBack", description="What to do when the time is over.")


class Rollout(Value):
    """Steps and times."""

    model_config = rules(
        {
            "rule": "self.steps.all(s,"
            " self.learnSeconds + self.shadowSeconds + (has(s.minimumSeconds) ? s.minimumSeconds : 0)"
            " < self.deadlineSeconds)",
            "message": "rollout: write a minimumSeconds below deadlineSeconds for each step, together with "
            "learnSeconds and shadowSeconds, or no verdict could come",
        },
        {
            "rule": "self.learnSeconds + self.minimumSeconds < self.deadlineSeconds",
            "message": "rollout: write minimumSeconds and learnSeconds that are together below deadlineSeconds, or no "
            "verdict could come",
        },
        {
            "rule": "3600 * self.minimumHours + self.learnSeconds + self.shadowSeconds < self.deadlineSeconds",
            "message": "rollout: write a minimumHours that ends before deadlineSeconds, together with learnSeconds and "
            "shadowSeconds, or no promotion could come",
        },
        {
            "rule": "self.aaSeconds == 0"
            " || self.aaSeconds + self.minimumSeconds + 3600 * self.minimumHours < self.deadlineSeconds",
            "message": "rollout: write an aaSeconds that leaves time before deadlineSeconds, together with "
            "minimumSeconds and minimumHours, or no verdict could come",
        },
        {
            "rule": "self.aaSeconds == 0 || self.learnSeconds == 0",
            "message": "rollout: aaSeconds watches all cohorts on the baseline's setting and learns what learnSeconds "
            "would; remove learnSeconds",
        },
        {
            "rule": "self.strategy != 'ABTest' || self.steps.size() < 2",
            "message": "rollout.strategy ABTest keeps its shares: write one step, whose weight each candidate gets",
        },
        {
            "rule": "!has(self.gates) || self.gates.all(gate, !has(gate.weights) || gate.weights.all(weight, "
            "self.steps.exists(step, step.weight == weight)))",
            "message": "rollout.gates: write in weights only weights of rollout.steps, or the gate would hold nothing",
        },
    )

    strategy: Annotated[str, RowOf(STRATEGIES, "rollout strategy")] = Field(
        DEFAULT_STRATEGY,
        description="Canary: one candidate in rising shares. ABTest: candidates in fixed shares, judged together; one "
        "that is proven to be harmful is dropped, and the proven one that saves most is promoted.",
    )
    steps: Steps = Field(
        (),
        description="Rising shares of traffic for the candidate; none in delivery.mode Shadow and for cohorts.",
    )
    advance: Literal["WhenSafe", "ByTime"] = Field(
        "WhenSafe",
        description="When a step is left for the next, larger weight, after its minimumSeconds, 100 answers of each "
        "variant and without a sign of harm. WhenSafe: as soon as it is refuted, at a risk of 20 %, that the candidate "
        "loses so much that all requests together would lose the margin at the next weight: 100 / weight margins, so 4 "
        "before 25 % and 2 before 50 %. ByTime: at once.",
    )
    gates: Gates | None = Field(None, description="What else must agree before a promotion, or before a step.")
    minimum_hours: int = Field(
        0,
        ge=0,
        le=720,
        description="Least hours between the first and the last look of live answers before a promotion, where the "
        "traffic of one hour is not that of a day. A stretch without looks, as of a rollout that is suspended, counts "
        "as a quarter of them at most, and as an hour at least. Rollbacks do not wait. 0: none.",
    )
    minimum_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        description="Least time of evidence before a candidate is promoted or reported, where there are no steps.",
    )
    shadow_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        description="Before the first step, let the server judge each candidate on the baseline's requests for so "
        "long, and longer until 100 could be judged without a sign of harm. No user sees one meanwhile. 0: none.",
    )
    learn_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        description="Watch the baseline alone for so long before the first step, and longer until 21 looks had scored "
        "answers: later evidence is discounted at least by how much these answers scatter. The comparison of "
        "the variants itself teaches more about scatter, also without this phase. 0: none.",
    )
    aa_seconds: int = Field(
        0,
        ge=0,
        le=604_800,
        description="With delivery.mode HeaderCohort, or requestBody.cohort: for so long all cohorts get the "
        "baseline's setting (A/A), and longer until it is known how much their answers scatter and differ by "
        "themselves. The candidates are then judged against that difference, so cohorts need not be alike, and servers "
        "need not count by users; the same users must go on asking. 0: none.",
    )
    look_seconds: int = Field(
        15, ge=1, le=3600, description="Time between two looks at the counts; it doubles after every 64 looks."
    )
    settle_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="Least wait between new weights and their first evidence, since quick answers come first. It goes "
        "on by itself until at most one request is in flight for every 25 that the step has started, for an hour or a "
        "quarter of deadlineSeconds at most. A metrics preset other than EarlyStop does not count requests in flight: "
        "there write 25 times the mean time of an answer.",
    )
    deadline_seconds: int = Field(
        86_400,
        ge=60,
        le=2_592_000,
        description="How long a campaign may take from its start. Without a verdict it ends then, as "
        "onInconclusive says. The last trial of a search has the rest of search.budget.seconds instead.",
    )
    on_inconclusive: Literal["RollBack", "Hold"] = Field(
        "RollBack", description="At the deadline: back to the baseline, or keep the weights for a person to decide."
    )
    on_no_metrics: OnNoMetrics = Field(
        default_factory=OnNoMetrics,
        description="What follows while a candidate is tried and counts cannot be read. A promoted setting is "
        "never taken back by an outage.",
    )

    @property
    def traits(self) -> StrategyTraits:
        """What the strategy is like."""
        return STRATEGIES[self.strategy]
