"""A kubeconfig that acts as another user: the command has that user's rights, and not those of who logged in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.config import ConfigException
from typer.testing import CliRunner

from earlystop.cli.main import app
from earlystop.controller.cluster import POLICIES, Cluster
from earlystop.controller.impersonation import impersonation_headers
from tests.unit.cli.api_server import answering
from tests.unit.metrics.source.faulty_server import Handler

POLICY = {"metadata": {"name": "qa", "namespace": "llm", "resourceVersion": "1"}}


def acting(folder: Path, **user: Any) -> None:
    """The kubeconfig's user gets these fields."""
    path = folder / "kubeconfig"
    config = yaml.safe_load(path.read_text())
    config["users"][0]["user"] |= user
    path.write_text(yaml.safe_dump(config))


@pytest.mark.slow
async def test_every_request_is_sent_as_the_user_that_the_kubeconfig_acts_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[str, str]]] = []

    def answer(handler: Handler) -> None:
        seen.append([(name, value) for name, value in handler.headers.items() if name.startswith("Impersonate-")])
        handler.reply(200, json.dumps(POLICY).encode())

    acts_as = {"as": "ben", "as-groups": ["llm", "people"], "as-user-extra": {"acme.com/project": ["x", "y"]}}
    with answering(answer, tmp_path, monkeypatch):
        acting(tmp_path, **acts_as)
        async with await Cluster.connect() as cluster:
            await cluster.get(POLICIES, "llm", "qa")
            await cluster.get(POLICIES, "llm", "qa")
    expected = [
        ("Impersonate-User", "ben"),
        ("Impersonate-Group", "llm"),
        ("Impersonate-Group", "people"),
        ("Impersonate-Extra-acme.com%2Fproject", "x"),
        ("Impersonate-Extra-acme.com%2Fproject", "y"),
    ]
    assert seen == [expected, expected]


def test_who_acts_as_nobody_sends_no_such_header() -> None:
    assert impersonation_headers({"token": "t"}) == impersonation_headers({"as": "", "as-groups": []}) == ()
    with_uid = impersonation_headers({"as": "ben", "as-uid": "7"})
    assert with_uid == (("Impersonate-User", "ben"), ("Impersonate-Uid", "7"))


@pytest.mark.parametrize(
    "user",
    [
        {"as-groups": ["system:masters"]},
        {"as-uid": "7"},
        {"as": 7},
        {"as": "ben", "as-groups": "llm"},
        {"as": "ben", "as-groups": [7]},
        {"as": "ben", "as-user-extra": ["x"]},
        {"as": "ben", "as-user-extra": {"x": "y"}},
    ],
)
def test_what_does_not_clearly_say_whom_to_act_as_is_refused_and_never_left_out(user: dict[str, Any]) -> None:
    with pytest.raises(ConfigException, match="as"):
        impersonation_headers(user)


def test_a_command_says_so_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda handler: handler.reply(200, b"{}"), tmp_path, monkeypatch):
        acting(tmp_path, **{"as-groups": ["llm"]})
        result = CliRunner().invoke(app, ["status", "qa"])
    assert result.exit_code == 1 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert "whose they are is not said" in result.stderr
