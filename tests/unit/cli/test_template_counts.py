"""`counts` with a MetricSource's templates: every query, what is counted, and what is left open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from pydantic.alias_generators import to_camel
from typer.testing import CliRunner, Result

from earlystop.api.presets import PRESETS, PresetTraits
from earlystop.cli.main import app
from tests.unit.controller.counts.template_sources import CUSTOM, FIELDS, TEMPLATES, Engine, steady
from tests.unit.metrics.source.faulty_server import Handler, serving
from tests.unit.rollout.policies import NOW, written

ASKED = ("--revision=r1", f"--at={NOW}", "--window=60")


def run(
    tmp_path: Path, templates: dict[str, str], *words: str, strategy: str = "Canary", **source: Any
) -> tuple[Result, list[str]]:
    """The command before an engine; returns the queries that it was asked as well."""
    policy, metric_source = tmp_path / "policy.yaml", tmp_path / "source.yaml"
    metadata = {"name": "qa", "namespace": "llm"}
    policy.write_text(yaml.safe_dump({"kind": "EarlyStopPolicy", "metadata": metadata, "spec": _asked_for(strategy)}))
    spec = {
        "url": "http://elsewhere",
        "templates": {to_camel(name): text for name, text in templates.items()},
        **source,
    }
    metric_source.write_text(yaml.safe_dump({"kind": "MetricSource", "metadata": {"name": "default"}, "spec": spec}))
    engine = Engine([steady(10)])
    with serving(answers_of(engine)) as server:
        words = ("counts", str(policy), f"--prometheus={server.url}", f"--templates={metric_source}", *words)
        return CliRunner().invoke(app, words), [query for query, _ in engine.asked]


def answers_of(engine: Engine) -> Callable[[Handler], None]:
    """How a Prometheus answers that has scraped the engine."""

    def answer(handler: Handler) -> None:
        form = parse_qs(handler.server.requests[-1][2])
        rows = engine.range_vector(form["query"][0], float(form["time"][0]))
        result = [{"metric": row.labels, "values": [[at / 1000, text] for at, text in row.points]} for row in rows]
        body = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        handler.reply(200, json.dumps(body).encode())

    return answer


def _asked_for(strategy: str) -> dict[str, Any]:
    return written({**CUSTOM, "rollout": {"strategy": strategy, "steps": [{"weight": 50}]}})


def test_a_preset_with_templates_of_its_own_is_counted_without_a_metric_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = PresetTraits(module="tests.unit.controller.toy_preset", counts=frozenset(FIELDS))
    monkeypatch.setitem(PRESETS, "Toy", row)
    policy = tmp_path / "policy.yaml"
    spec = written({"metrics": {"preset": "Toy"}})
    policy.write_text(
        yaml.safe_dump({"kind": "EarlyStopPolicy", "metadata": {"name": "qa", "namespace": "llm"}, "spec": spec})
    )
    with serving(answers_of(Engine([steady(10)]))) as server:
        words = ["counts", str(policy), f"--prometheus={server.url}", "--json", *ASKED]
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["counts"]["candidate"]["completed"] == 600


def test_counts_of_the_window_and_the_queries_that_read_them_are_shown(tmp_path: Path) -> None:
    done, asked = run(tmp_path, TEMPLATES, *ASKED, "--json", namespaceLabel="namespace")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["counts"]["candidate"]["completed"] == 600 and told["counts"]["baseline"]["tokens"] == 600 * 600
    assert told["uncertain"]["baseline"]["completed"] == 0 and told["start_times_known"]
    assert len(told["queries"]) == 12 and all('namespace="llm"' in query for query in [*told["queries"], *asked])
    assert any('app_match_total{variant="candidate",revision="r1"' in query for query in asked)


def test_the_table_shows_what_may_be_missing_beside_each_count(tmp_path: Path) -> None:
    done, _ = run(tmp_path, TEMPLATES, *ASKED)
    assert done.exit_code == 0, done.output
    assert "and up to" in done.output and "tokens squared" in done.output and "Read by: app_completed" in done.output


def test_the_candidate_of_an_a_b_test_is_asked_for_by_its_name(tmp_path: Path) -> None:
    done, asked = run(tmp_path, TEMPLATES, *ASKED, "--json", strategy="ABTest")
    assert done.exit_code == 0, done.output
    assert any('variant="w10"' in query for query in asked) and not any('"candidate"' in query for query in asked)


@pytest.mark.parametrize(
    ("templates", "words", "says"),
    [
        (TEMPLATES, (), "write --revision"),
        ({"tokens": "sum(x)"}, ASKED, "the template for tokens is not one selector"),
        ({}, ASKED, "has no templates"),
        ({"smiles": "x"}, ASKED, "spec.templates.smiles"),
    ],
)
def test_templates_that_cannot_be_used_are_named(
    tmp_path: Path, templates: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    done, _ = run(tmp_path, templates, *words)
    assert done.exit_code == 1
    assert says in " ".join(done.output.replace("│", " ").split())
