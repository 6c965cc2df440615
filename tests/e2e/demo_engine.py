"""`make demo-engine`: a real language model behind an injector, one cap promoted and another rolled back.

Clients get 48 tokens at most. A cap of 32 cuts talk off and is to be promoted; one of 20 cuts answers off and is to be
rolled back. Both are judged on golden questions, which an evaluator asks of both variants through the gateway, and on
the tokens of users who ask beside it.

The engine is llama.cpp's server behind an injector of one's own, or, with `VLLM=/path/to/bin/vllm`, a vLLM that is
installed there, behind the injectors that the operator runs, whose counts are compared with vLLM's own.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from earlystop.api.body_knobs import Engine
from tests.cluster.engine_build import engine_binary
from tests.cluster.engine_model import engine_model
from tests.cluster.errors import ClusterError
from tests.cluster.processes import Child
from tests.cluster.vllm_model import vllm_model
from tests.e2e import real_engine
from tests.e2e.acts import Act, play
from tests.e2e.engine_stage import ENGINE_PORT, LONGEST_ANSWER, EngineStage, evaluator
from tests.e2e.name_counting import CountedNames, questions
from tests.e2e.scene import scene
from tests.e2e.vllm_stage import VllmStage

ACTS = (
    ("talk", 32, "Promoted", f"cap {LONGEST_ANSWER} to 32, at most 5 points of EM may be lost"),
    ("answers", 20, "RolledBack", f"cap {LONGEST_ANSWER} to 20, at most 5 points of EM may be lost"),
)
USERS_A_SECOND, PAIRS_A_SECOND = 0.3, 0.4
USERS_QUESTIONS, GOLDEN_QUESTIONS = 300, 2_000
DELAY_SECONDS = 2
"""A scrape may take its whole timeout of 1 s while the model has both cores."""
VERDICT_SECONDS = 1200.0

console = Console(width=None if sys.stdout.isatty() else 140)


class RealEngineStage(EngineStage):
    """The engine is llama.cpp's server with a real model."""

    kind = Engine.LLAMA_CPP

    def start_engine(self) -> Child:
        """Start llama-server."""
        return real_engine.start_engine(self.directory, self.server_address, ENGINE_PORT, threads=2)

    def try_cap(self, name: str, cap: int, questions: Mapping[str, Any], deadline_seconds: int) -> None:
        """A policy that tries a cap, judged on golden questions and users' tokens. questions: what the golden ones
        are."""
        tokens = {"longestAnswer": LONGEST_ANSWER}
        self.apply_cap(name, cap, tokens=tokens, questions=questions, deadlineSeconds=deadline_seconds)

    def end_try(self, name: str) -> None:
        """Delete the policy."""
        self.delete_policy(name)

    @contextmanager
    def evaluating(self, name: str, folder: Path, golden: Mapping[str, str], *options: str) -> Iterator[Child]:
        """As `evaluator`."""
        with evaluator(self, name, folder, golden, *options) as child:
            yield child


def main(
    vllm: Annotated[Path | None, typer.Option(help="Command of an installed vLLM, in place of llama.cpp.")] = None,
    pairs_per_second: Annotated[float, typer.Option(help="Golden questions that both variants get.")] = PAIRS_A_SECOND,
) -> None:
    """Play the two acts. Exits with 0 only if both verdicts are right."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    try:
        engine_model(), vllm_model(vllm) if vllm else engine_binary()
        with _stage(vllm) as stage:
            seconds = time.monotonic() - began
            console.print(f"Cluster, gateway, Prometheus, engine, injector and operator are up after {seconds:.0f} s.")
            right = [_act(stage, pairs_per_second, *act) for act in ACTS]
            _tell_counts(stage)
    except ClusterError as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None
    console.print(f"{sum(right)} of {len(right)} verdicts as expected, {time.monotonic() - began:.0f} s in all.")
    raise typer.Exit(0 if all(right) else 1)


@contextmanager
def _stage(vllm: Path | None) -> Iterator[RealEngineStage | VllmStage]:
    """The engine behind its injector on the kit's own cluster, with users who ask."""
    with ExitStack() as until_the_end:
        directory = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="demo-engine-")))
        users = directory / "users.jsonl"
        users.write_text("".join(map(_recording, questions(USERS_QUESTIONS, seed=1))))
        place = until_the_end.enter_context(scene(None))
        parts = (place.cluster.access, place.gateway, place.prometheus)
        stage: RealEngineStage | VllmStage = (
            RealEngineStage(*parts, data=str(users)) if vllm is None else VllmStage(*parts, data=str(users), vllm=vllm)
        )
        until_the_end.enter_context(stage)
        stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
        stage.start_operator()
        stage.start_load(USERS_A_SECOND, 1, "--concurrency=1")  # else a slow machine never catches up
        yield stage


def _recording(asked: CountedNames) -> str:
    """A line of recordings, of which the load reads the question alone."""
    row = {"question": asked.question, "answer": asked.answer, "generated_answer": [asked.answer]}
    return f"{json.dumps(row)}\n"


def _act(
    stage: RealEngineStage | VllmStage, pairs_per_second: float, name: str, cap: int, expected: str, about: str
) -> bool:
    """Golden questions are new ones in each act, and each is asked once: they stand for all that there can be."""
    golden = {each.question: each.answer for each in questions(GOLDEN_QUESTIONS, seed=cap)}
    asked = {"about": "Population", "number": len(golden)}
    pace = (f"--pairs-per-second={pairs_per_second}", f"--max-tokens={LONGEST_ANSWER}")

    def begin() -> None:
        stage.try_cap(name, cap, asked, int(VERDICT_SECONDS))

    with tempfile.TemporaryDirectory() as folder, stage.evaluating(name, Path(folder), golden, *pace):
        right = play(stage, Act(name, about, expected, begin, VERDICT_SECONDS), console)
    stage.end_try(name)
    return right


def _tell_counts(stage: RealEngineStage | VllmStage) -> None:
    """What the injector counted, for whoever compares it with the engine's own page."""
    for variant in ("baseline", "candidate"):
        answers = stage.total(f'earlystop_requests_total{{outcome="completed",variant="{variant}"}}')
        tokens = stage.total(f'earlystop_output_tokens_total{{variant="{variant}"}}')
        console.print(f"Users of the {variant}: {answers:.0f} answers, {tokens:.0f} tokens.")


if __name__ == "__main__":
    typer.run(main)
