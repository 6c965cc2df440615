"""What a ramp costs, and how many users meet a harmful candidate on it, by how its steps are left.

Run as `python -m tests.bench.ramps [--runs N]`. The margin is 2 points, the baseline's EM .85, 20 requests a second;
N* is what a single look at an even split would need for 90 % power. `tests/simulations/test_ramps.py` is the quick
version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import typer
from numpy import array
from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from earlystop.api.policy import PolicySpec
from earlystop.evidence.bets import Side
from earlystop.simulation.planning import Question, fixed_sample_size
from earlystop.simulation.simulate import SyntheticTraffic, simulate

EM, SEED = 0.85, 8
RISING = [{"weight": 5}, {"weight": 25}, {"weight": 50}]
TEN_MINUTES = [{"weight": 5, "minimumSeconds": 600}, {"weight": 25, "minimumSeconds": 600}, {"weight": 50}]
RAMPS: dict[str, dict[str, Any]] = {
    "50 % at once": {"steps": [{"weight": 50}]},
    "5, 25, 50 %, ten minutes each": {"steps": TEN_MINUTES, "advance": "ByTime"},
    "5, 25, 50 %, by time without a least one": {"steps": RISING, "advance": "ByTime"},
    "5, 25, 50 %, when safe": {"steps": RISING, "advance": "WhenSafe"},
}
LOSSES = (0.0, 1.0, 2.0, 4.0)
"""In margins. At 1 each verdict is an error, and most campaigns end at their deadline."""


@dataclass(frozen=True, slots=True)
class Row:
    """A ramp and a loss, in margins: how often it ended in each way, answers in N*, and answers of the candidate, with
    the standard errors of both. raised: share of campaigns in which the candidate had each weight."""

    ramp: str
    loss: float
    promoted: float
    rolled_back: float
    cost: float
    cost_error: float
    exposed: float
    exposed_error: float
    raised: dict[int, float]
    runs: int


def spec_of(rollout: dict[str, Any], margin: float = 0.02, deadline: int = 86_400, look: int = 15) -> PolicySpec:
    """The policy of a ramp."""
    return PolicySpec.model_validate(
        {
            "targetRef": {"kind": "Deployment", "name": "qa"},
            "parameters": [
                {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
            ],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "candidates": [{"name": "w10", "values": [{"name": "window", "value": "10"}]}],
            "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}},
            "rollout": {"lookSeconds": look, "settleSeconds": 60, "deadlineSeconds": deadline, **rollout},
            "metrics": {"sourceRef": {"name": "default"}},
            "objective": {
                "exactMatch": {"margin": str(margin), "assumeIndependent": True},
                "tokens": {"minimumSaving": "0.10"},
            },
        }
    )


def row(ramp: str, loss: float, spec: PolicySpec, rate: float, runs: int, seed: int = SEED) -> Row:
    """So many campaigns of a ramp. loss: in margins."""
    margin = float(spec.objective.exact_match.margin)
    lost = loss * margin
    traffic = SyntheticTraffic(rate=rate, baseline_em=EM, em_loss=lost, discordance=max(0.06, lost))
    ends = list(simulate(spec, traffic, default_rng(seed), runs))
    answers, exposed = (array([getattr(each, name) for each in ends], float) for name in ("answers", "exposed"))
    unit = fixed_sample_size(Question(EM, 0.0, margin, side=Side.PROMOTE), 0.5)
    weights = [step.weight for step in spec.rollout.steps]
    return Row(
        ramp,
        loss,
        sum(each.verdict == "Promote" for each in ends) / runs,
        sum(each.verdict == "RollBack" for each in ends) / runs,
        float(answers.mean()) / unit,
        float(answers.std()) / unit / sqrt(runs),
        float(exposed.mean()),
        float(exposed.std()) / sqrt(runs),
        {weight: sum(each.largest_weight >= weight for each in ends) / runs for weight in weights},
        runs,
    )


def rows(runs: int) -> Iterator[Row]:
    """Every ramp at every loss; at the border for three hours."""
    for ramp, rollout in RAMPS.items():
        for loss in LOSSES:
            yield row(ramp, loss, spec_of(rollout, deadline=10_800 if loss == 1 else 86_400), 20.0, runs)


def main(runs: int = 1000) -> None:
    """Print the table."""
    table = Table("ramp", "margins lost", "promoted", "rolled back", "N*", "the candidate's answers", "got each weight")
    for each in rows(runs):
        raised = ", ".join(f"{weight} %: {share:.1%}" for weight, share in each.raised.items())
        table.add_row(
            each.ramp,
            f"{each.loss:g}",
            f"{each.promoted:.1%}",
            f"{each.rolled_back:.1%}",
            f"{each.cost:.2f} +- {each.cost_error:.2f}",
            f"{each.exposed:,.0f} +- {each.exposed_error:,.0f}",
            raised,
        )
    Console(width=200).print(table)


if __name__ == "__main__":
    typer.run(main)
