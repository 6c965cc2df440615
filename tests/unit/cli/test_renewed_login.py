"""Credentials that run out while a command goes on: a cloud's plugin is asked for new ones, once for each refusal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
import yaml

from earlystop.controller.cluster import POLICIES, Cluster, ClusterError, Manifest
from tests.unit.cli.api_server import refused, use_kubeconfig
from tests.unit.metrics.source.faulty_server import FaultyServer, Handler, serving

POLICY: Manifest = {"metadata": {"name": "qa", "namespace": "llm", "resourceVersion": "1"}}


class Expiring:
    """An API server that takes the newest token alone. The plugin counts how often it is asked, and names its tokens
    by that number."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.valid = folder, 1
        (folder / "asked").write_text("0")

    def answer(self, handler: Handler) -> None:
        if handler.headers["Authorization"] != f"Bearer token-{self.valid}":
            refused(handler, 401, "Unauthorized")
        else:
            handler.reply(200, json.dumps(POLICY).encode())

    @property
    def asked(self) -> int:
        return int((self.folder / "asked").read_text())

    def kubeconfig(self, server: FaultyServer) -> Path:
        plugin = self.folder / "plugin.py"
        credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
        plugin.write_text(
            "import json, pathlib\n"
            f"counter = pathlib.Path({str(self.folder / 'asked')!r})\n"
            "number = int(counter.read_text()) + 1\n"
            "counter.write_text(str(number))\n"
            f"print(json.dumps({credential!r} | {{'status': {{'token': f'token-{{number}}'}}}}))\n"
        )
        asked = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
            "interactiveMode": "Never",
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "llm"}}],
            "clusters": [{"name": "here", "cluster": {"server": server.url}}],
            "users": [{"name": "me", "user": {"exec": asked}}],
        }
        path = self.folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path


@pytest.mark.slow
async def test_a_token_that_has_run_out_is_renewed_by_its_plugin_and_the_request_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Expiring(tmp_path)
    with serving(api.answer) as server:
        use_kubeconfig(api.kubeconfig(server), monkeypatch)
        async with await Cluster.connect() as cluster:
            assert await cluster.get(POLICIES, "llm", "qa") == POLICY
            api.valid = 2
            assert await cluster.get(POLICIES, "llm", "qa") == POLICY
            assert await cluster.get(POLICIES, "llm", "qa") == POLICY
            assert api.asked == 2, "a token is used as long as it is taken"


@pytest.mark.slow
@pytest.mark.parametrize("valid", [2, 99])
async def test_of_requests_that_are_refused_together_one_asks_the_plugin_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valid: int
) -> None:
    api = Expiring(tmp_path)
    with serving(api.answer) as server:
        use_kubeconfig(api.kubeconfig(server), monkeypatch)
        async with await Cluster.connect() as cluster:
            api.valid = valid
            await asyncio.gather(cluster.get(POLICIES, "llm", "qa"), return_exceptions=True)
            together = (cluster.get(POLICIES, "llm", "qa") for _ in range(8))
            api.valid = valid + 1
            answers = await asyncio.gather(*together, return_exceptions=True)
        assert [each == POLICY for each in answers] == [valid == 2] * 8
        assert api.asked == 3, "once for the first request alone, once for the eight"


@pytest.mark.slow
async def test_a_renewal_leads_to_no_other_cluster_where_the_current_context_was_changed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Expiring(tmp_path)
    with serving(api.answer) as server, serving(api.answer) as other:
        path = api.kubeconfig(server)
        use_kubeconfig(path, monkeypatch)
        async with await Cluster.connect() as cluster:
            assert await cluster.get(POLICIES, "llm", "qa") == POLICY
            config = yaml.safe_load(path.read_text())
            config["contexts"] += [{"name": "there", "context": {"cluster": "there", "user": "me"}}]
            config["clusters"] += [{"name": "there", "cluster": {"server": other.url}}]
            path.write_text(yaml.safe_dump({**config, "current-context": "there"}))
            api.valid = 2
            assert await cluster.get(POLICIES, "llm", "qa") == POLICY
        assert (len(server.requests), len(other.requests)) == (3, 0)


@pytest.mark.slow
async def test_who_is_refused_with_new_credentials_too_is_told_so_after_one_more_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Expiring(tmp_path)
    with serving(api.answer) as server:
        use_kubeconfig(api.kubeconfig(server), monkeypatch)
        api.valid = 99
        async with await Cluster.connect() as cluster:
            with pytest.raises(ClusterError) as caught:
                await cluster.get(POLICIES, "llm", "qa")
        assert caught.value.status == 401 and len(server.requests) == 2


@pytest.mark.slow
async def test_a_kubeconfig_that_is_gone_renews_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Expiring(tmp_path)
    with serving(api.answer) as server:
        path = api.kubeconfig(server)
        use_kubeconfig(path, monkeypatch)
        async with await Cluster.connect() as cluster:
            api.valid = 99
            path.unlink()
            with pytest.raises(ClusterError) as caught:
                await cluster.get(POLICIES, "llm", "qa")
        assert caught.value.status == 401 and len(server.requests) == 1
