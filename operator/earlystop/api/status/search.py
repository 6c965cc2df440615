"""Where a search stands, as a policy's status and the verdict of each of its trials say it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.policy import Settings
from earlystop.api.values import Count, SettingName, Text64, Text1024, Timestamp, Value

Number = Annotated[int, Field(ge=1, le=1_000_000)]
# Four numbers of at most 12 characters for each of at most 200 settings.
BeliefText = Annotated[str, Field(max_length=10_400)]


class TrialStatus(Value):
    """A trial that is over."""

    setting: SettingName = Field(description="Name of the setting that was tried.")
    end: Literal["Certified", "Harmful", "Inconclusive"] = Field(
        description="Certified: all that a promotion needs was proven. Harmful: harm was. Inconclusive: neither was."
    )
    risk: Text64 = Field(description="Probability of a false certificate at which it was judged.")
    loss: Text64 | None = Field(
        None, description="Exact Match lost against the baseline. Absent: nothing was compared."
    )
    loss_error: Text64 | None = Field(None, description="Its standard error.")
    saving: Text64 | None = Field(None, description="Share of tokens saved. Absent: nothing was compared.")
    saving_error: Text64 | None = Field(None, description="Its standard error.")
    least_saving: Text64 | None = Field(None, description="Share of tokens that it is proven to save.")
    requests: Count = Field(description="Requests of both variants that it compared.")
    revision: Text64 = Field(description="Revision of its campaign, with which its EarlyStopVerdict's name ends.")
    proposer: Annotated[str, Field(max_length=253)] | None = Field(
        None, description="Who proposed it. Absent: the search's own strategy did."
    )


class IncumbentStatus(Value):
    """The best setting that is certified so far: it serves while another one is tried."""

    name: SettingName = Field(description="Name of the setting.")
    values: Settings = Field(description="Value of each parameter.")
    least_saving: Text64 = Field(description="Share of the baseline's tokens that it is proven to save at least.")
    weight: Annotated[int, Field(ge=0, le=100)] = Field(description="Percent of traffic that it shall have now.")


class SearchEndStatus(Value):
    """Why a search is over."""

    reason: Text64 = Field(description="Why, in one word.")
    message: Text1024 = Field(description="With which setting, after how many trials, and why.")
    at: Timestamp = Field(description="When.")


Trials = Annotated[tuple[TrialStatus, ...], Field(max_length=200)]


class SearchStatus(Value):
    """Where the search stands of which the campaign is a trial."""

    number: Number = Field(description="Which search of the policy this is.")
    started_at: Timestamp = Field(description="When it began; a pause of the policy moves it on.")
    seed: Count = Field(description="Seed of all random draws by which settings are chosen.")
    resumes: SettingName | None = Field(
        None, description="The setting that the search before this one certified, which is tried anew first."
    )
    belief: BeliefText | None = Field(
        None, description="What earlier verdicts made likely of each setting when it began, packed. Absent: nothing."
    )
    why: Text1024 = Field(description="Why the present setting is tried.")
    trials: Trials = Field(description="The trials that are over, the first one first.")
    requests: Count = Field(
        description="Requests that the trials compared; spec.search.budget.requests is their limit."
    )
    risk: Text64 = Field(description="Probability of a false certificate in the whole search.")
    risk_spent: Text64 = Field(description="The part of that risk that is spent, with the trial under way.")
    incumbent: IncumbentStatus | None = Field(None, description="The best proven setting. Absent: none is.")
    ended: SearchEndStatus | None = Field(None, description="Why the search is over. Absent: it goes on.")
    interruptions: Count | None = Field(
        None, description="How often an outage of the metrics has interrupted the present trial. Absent: never."
    )


class RecordedSearch(Value):
    """What the proposer of a trial was told, from which anyone can recompute what it proposed. The settings, margin
    and budget stand in the plan."""

    strategy: Text64 = Field(description="Who proposed it.")
    version: Number = Field(description="Of that one's arithmetic.")
    number: Number = Field(description="Which search of the policy.")
    trial: Number = Field(description="Which trial of it.")
    seed: Count = Field(description="Seed of all random draws by which settings are chosen.")
    resumes: SettingName | None = Field(None, description="The setting that was tried anew first.")
    belief: BeliefText | None = Field(None, description="What earlier verdicts made likely, packed.")
    why: Text1024 = Field(description="Why this setting was tried.")
    earlier: Trials = Field(description="The trials before this one.")
    risk: Text64 = Field(description="Probability of a false certificate in the whole search.")
    risk_spent: Text64 = Field(description="What is spent of it, with this trial.")
