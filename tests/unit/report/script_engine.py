"""The page's scripts in a JavaScript engine, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from py_mini_racer import MiniRacer

from earlystop.evidence.engine import Objective
from earlystop.report.embedded import replay_script
from earlystop.report.terms import terms_of

RUN = """
function replayed(terms, columns, looks) {
  const found = replay(JSON.parse(terms), JSON.parse(columns), parsedRecord(looks));
  return JSON.stringify(found.map(({ look, ...rest }) => rest));
}
"""


class Replayer:
    """Repeats evidence as a page does."""

    def __init__(self, engine: MiniRacer) -> None:
        self.engine = engine
        engine.eval(replay_script() + RUN)

    def replay(self, objective: Objective, columns: Sequence[str], looks: Sequence[Sequence[int]]) -> list[Any]:
        """The assessment before any look and after each one, as JSON."""
        terms = json.dumps(terms_of(objective))
        found = self.engine.call("replayed", terms, json.dumps(list(columns)), json.dumps([list(row) for row in looks]))
        return list(json.loads(str(found)))


@contextmanager
def replayer() -> Iterator[Replayer]:
    """An engine that has the scripts, ended with the block."""
    with MiniRacer() as engine:
        yield Replayer(engine)
