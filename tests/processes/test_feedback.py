"""The feedback endpoint as the example starts it: it takes votes, and lets the last be scraped before it ends."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import aiohttp
import yaml

from earlystop.exporter.assignment import Assignment
from earlystop.exporter.receipts import Receipts, read_keys
from tests.processes.environment import ROOT, started_module

DEADLINE_SECONDS = 30
EXAMPLE = ROOT / "manifests/examples/feedback.yaml"


async def test_the_example_deployment_takes_votes_and_is_scraped_after_its_end_was_asked_for(tmp_path: Path) -> None:
    claim, deployment, service = yaml.safe_load_all(EXAMPLE.read_text())
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python", "-m", "earlystop.evaluator.feedback"]
    claimed = [each.get("persistentVolumeClaim") for each in pod["spec"]["volumes"]]
    assert {"claimName": claim["metadata"]["name"]} in claimed
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    for name, digits in (("receipts", "0123456789abcdef"), ("labels", "fedcba9876543210")):
        (tmp_path / name).write_text(digits * 4)
    options = [re.sub("=/(keys|state)/", f"={tmp_path}/", option) for option in container["args"]]
    async with started_module("earlystop.evaluator.feedback", *options, "--port=0", "--metrics-port=0") as process:
        assert process.stderr is not None
        told = (await asyncio.wait_for(process.stderr.readline(), DEADLINE_SECONDS)).decode()
        found = re.fullmatch(r"taking votes on (\S+); metrics on port (\d+)\n", told)
        assert found is not None, told
        receipt = Receipts(read_keys(tmp_path / "receipts")).issue(
            Assignment("llm/qa", "r1", 0, "candidate"), 2**33, is_scored=False
        )
        async with aiohttp.ClientSession() as client:
            async with client.post(found[1], json={"responseId": receipt, "sentiment": "down"}) as answer:
                assert answer.status == 200, await answer.text()
            process.send_signal(signal.SIGTERM)
            async with client.get(f"http://127.0.0.1:{found[2]}/metrics") as page:
                counts = re.findall(r'^earlystop_feedback_total{.*sentiment="down".* (\S+)$', await page.text(), re.M)
                assert counts == ["1.0"]
