"""Which proxy leads to the API server: the environment says so once, not at every request."""

from __future__ import annotations

import pytest

from earlystop.controller.environment_proxy import environment_proxy

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://kubernetes.example.com:6443", PROXY),
        ("https://10.0.0.1:443", None),
        ("https://api.cluster.local", None),
        ("http://kubernetes.example.com", None),
    ],
)
def test_the_environments_proxy_leads_to_all_hosts_that_no_proxy_does_not_name(
    url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "10.0.0.1,.cluster.local")
    assert environment_proxy(url) == proxy
