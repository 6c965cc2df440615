"""The evaluator as it is started from a shell: it asks, says when the budget is spent, and waits to be scraped."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.processes.environment import ROOT, started_module
from tests.turns import Turns
from tests.unit.evaluator.mounted import mount
from tests.unit.evaluator.serving import POLICY, REVISION, golden, reference

DEADLINE_SECONDS = 30
EXAMPLE = ROOT / "manifests/examples/evaluator.yaml"


@asynccontextmanager
async def started(*options: str) -> AsyncIterator[Process]:
    async with started_module("earlystop.evaluator", *options) as process:
        yield process


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "golden.jsonl"
    rows = [{"question": each.question, "answers": each.answers, "query_class": "letters"} for each in golden(50)]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


async def line(process: Process, pattern: str) -> re.Match[str]:
    """The next line of standard error that matches."""
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        while text := (await process.stderr.readline()).decode():
            if found := re.search(pattern, text):
                return found
    raise AssertionError(f"no line with {pattern}")


async def test_it_asks_until_the_budget_is_spent_says_so_and_lets_the_counts_be_scraped(questions: Path) -> None:
    arms = ("--baseline", "window=40", "--candidate", "window=5")
    async with reference() as url:
        options = ("--url", url, "--golden", str(questions), "--policy", POLICY, "--revision", REVISION, "--port", "0")
        async with started(*options, *arms, "--token-budget", "6000", "--pairs-per-second", "100") as process:
            port = (await line(process, r"asking 50 golden questions; metrics on port (\d+)")).group(1)
            await line(process, "the token budget is spent")
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                page = await answer.text()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), DEADLINE_SECONDS) == 0
    pairs = re.findall(r'earlystop_pairs_total\{.*policy="llm/qa".*query_class="letters".*\} (\d+)', page)
    assert len(pairs) == 4 and sum(map(int, pairs)) >= 5
    assert "earlystop_evaluator_asking 0.0" in page
    assert "earlystop_evaluator_budget_tokens 0.0" in page


async def test_a_restart_goes_on_with_the_budget_that_is_left_also_after_a_kill(
    questions: Path, tmp_path: Path
) -> None:
    state = tmp_path / "spent.json"
    arms = ("--revision", REVISION, "--baseline", "window=40", "--candidate", "window=5", "--state", str(state))
    async with reference() as url:
        options = (
            "--url",
            url,
            "--golden",
            str(questions),
            "--policy",
            POLICY,
            "--port",
            "0",
            "--token-budget",
            "9000",
        )
        spent = [0]
        # The first is killed long before it could spend all, and the second has nobody to wait for.
        for ended, rate in (("a question", "4"), ("the token budget is spent", "100")):
            async with started(*options, *arms, "--pairs-per-second", rate, "--max-tokens", "1000") as process:
                await line(process, "asking 50 golden questions")
                if ended == "a question":
                    await until_spent(state, spent[-1] + 2000)
                else:
                    await line(process, ended)
                process.kill()
                await process.wait()
            spent.append(spent_of(state))
    assert 2000 <= spent[1] < spent[2] <= 9000


async def until_spent(state: Path, tokens: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        turns = Turns()
        while spent_of(state) < tokens and turns.another():  # noqa: ASYNC110 - read from a file of another process
            await asyncio.sleep(0.01)


def spent_of(state: Path) -> int:
    return int(json.loads(state.read_text())["spent"]) if state.exists() else 0


@pytest.fixture
def broken_state(tmp_path: Path) -> Path:
    file = tmp_path / "spent.json"
    file.write_text("")
    return file


async def test_a_state_file_that_says_nothing_ends_the_start_with_what_to_write(
    questions: Path, broken_state: Path
) -> None:
    await refused(questions, ("--state", str(broken_state)), "does not say")


async def test_the_example_deployment_starts_with_the_config_map_beside_it(tmp_path: Path) -> None:
    config, claim, deployment = yaml.safe_load_all(EXAMPLE.read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "earlystop.evaluator"]
    claimed = [each.get("persistentVolumeClaim") for each in deployment["spec"]["template"]["spec"]["volumes"]]
    assert {"claimName": claim["metadata"]["name"]} in claimed
    mounted = mount(tmp_path / "golden", config["data"])
    changed = {
        "--golden=/golden": f"--golden={mounted}",
        "--url=http://gateway.example.com/v1": "--url=http://127.0.0.1:9",
        "--state=/state/spent.json": f"--state={tmp_path}/spent.json",
    }
    assert changed.keys() <= set(container["args"])
    options = [changed.get(option, option) for option in container["args"]]
    async with started(*options, "--port=0") as process:
        await line(process, "asking 4 golden questions")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), DEADLINE_SECONDS) == 0


@pytest.fixture
def malformed(tmp_path: Path) -> Path:
    file = tmp_path / "malformed.jsonl"
    file.write_text('{"question": "1 + 1?", "answers": ["2"]}\nnonsense')
    return file


async def test_a_malformed_question_ends_the_start_and_is_named_by_its_line(malformed: Path) -> None:
    await refused(malformed, (), "line 2")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mode", "regex"), "pattern"),
        (("--share", "2"), "share"),
        (("--candidate-name", "baseline"), "candidate"),
        (("--revision", "r1", "--baseline", "40"), "parameter=value"),
        (("--mode", "json"), "field"),
        (("--state", "/nowhere/spent.json"), "/nowhere/spent.json"),
    ],
)
async def test_a_start_that_cannot_work_says_why(questions: Path, options: tuple[str, ...], said: str) -> None:
    await refused(questions, options, said)


async def refused(file: Path, options: tuple[str, ...], said: str) -> None:
    """Asserts that the process ends with this explanation and without a traceback."""
    needed = ("--url", "http://127.0.0.1:9/v1", "--golden", str(file), "--policy", POLICY, "--token-budget", "9")
    async with started(*needed, *options) as process:
        _, errors = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
        assert process.returncode == 2
        assert said in errors.decode()
        assert "Traceback" not in errors.decode()
