"""Watches reach the API server at its address, whatever becomes of the cluster's name server."""

from __future__ import annotations

import kopf
import pytest

from earlystop.controller.login import login

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
def test_in_a_pod_the_api_server_is_asked_at_the_address_that_the_pod_was_given(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], server: str
) -> None:
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: FOUND)
    found = login(variables)
    assert found is not None
    assert (found.server, found.token, found.ca_path) == (server, "secret", "/ca.crt")


def test_outside_of_a_pod_a_kubeconfig_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    here = kopf.ConnectionInfo(server="https://127.0.0.1:6443")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)
    monkeypatch.setattr(kopf, "login_with_kubeconfig", lambda **_: here)
    assert login({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}) is here
