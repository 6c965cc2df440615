"""Watches reach the API server at its address, whatever becomes of the cluster's name server, and with the rights and
credentials of the operator's own requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from kubernetes.aio.config import ConfigException

from earlystop.controller.api_login import ApiLogin
from earlystop.controller.login import WatchLogin
from tests.unit.cli.api_server import answering
from tests.unit.metrics.source.faulty_server import Handler

FOUND = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="secret", ca_path="/ca.crt")


@pytest.mark.parametrize(
    ("variables", "server"),
    [
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "https://10.0.0.1:443"),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, "https://[fd00::1]:443"),
        ({}, "https://kubernetes.default.svc"),
    ],
)
async def test_in_a_pod_the_api_server_is_asked_at_the_address_that_the_pod_was_given(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], server: str
) -> None:
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: FOUND)
    found = await WatchLogin(variables, None)()
    assert isinstance(found, kopf.ConnectionInfo)
    assert (found.server, found.token, found.ca_path) == (server, "secret", "/ca.crt")


async def sent_by(login: WatchLogin, path: str = "/apis") -> None:
    """One request, as Kopf sends it with what it is given."""
    found = await login()
    assert isinstance(found, kopf.AiohttpSession)
    async with found.aiohttp_session as session, session.get(f"{found.server}{path}"):
        pass


def write_user(path: Path, user: dict[str, Any]) -> None:
    config = yaml.safe_load(path.read_text())
    config["users"][0]["user"] = user
    path.write_text(yaml.safe_dump(config))


async def test_outside_of_a_pod_a_watch_has_the_credentials_of_the_kubeconfig_and_acts_as_whom_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[str, str]]] = []

    def answer(handler: Handler) -> None:
        named = ("authorization", "impersonate-")
        seen.append([(name, value) for name, value in handler.headers.items() if name.lower().startswith(named)])
        handler.reply(200, b"{}")

    with answering(answer, tmp_path, monkeypatch):
        acts_as = {"as": "ben", "as-groups": ["llm", "people"], "as-user-extra": {"acme.com/project": ["x"]}}
        write_user(tmp_path / "kubeconfig", {"token": "t", **acts_as})
        await sent_by(WatchLogin({}, await ApiLogin.find(None)))
        write_user(tmp_path / "kubeconfig", {"token": "t"})
        await sent_by(WatchLogin({}, await ApiLogin.find(None)))
    acting, plain = seen
    assert acting == [
        ("Impersonate-User", "ben"),
        ("Impersonate-Group", "llm"),
        ("Impersonate-Group", "people"),
        ("Impersonate-Extra-acme.com%2Fproject", "x"),
        ("Authorization", "Bearer t"),
    ]
    assert plain == [("Authorization", "Bearer t")]


async def test_a_kubeconfig_that_does_not_clearly_say_whom_it_acts_as_lets_no_operator_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(lambda handler: handler.reply(200, b"{}"), tmp_path, monkeypatch):
        write_user(tmp_path / "kubeconfig", {"token": "t", "as-groups": ["system:masters"]})
        with pytest.raises(ConfigException, match="whose they are is not said"):
            await ApiLogin.find(None)


async def test_what_was_refused_is_learnt_anew_and_not_offered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def answer(handler: Handler) -> None:
        seen.append(handler.headers["Authorization"])
        handler.reply(200, b"{}")

    with answering(answer, tmp_path, monkeypatch):
        login = WatchLogin({}, await ApiLogin.find(None))
        await sent_by(login)
        assert await login() is None, "the same token would be refused again, without end"
        write_user(tmp_path / "kubeconfig", {"token": "later"})
        await sent_by(login)
    assert seen == ["Bearer t", "Bearer later"]
