"""A hook leads where the cluster's admin has written, and a fault of that is told without a secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from earlystop.controller.cluster import ClusterError, Manifest
from earlystop.controller.counts.secrets import SECRETS, SecretReader
from earlystop.controller.hooks.channel import Channel, HookProblem, channel_to
from tests.unit.controller.hooks.receiver import KEY, NAMESPACE, serve_hooks, signing_secret, target
from tests.unit.controller.memory import Memory

URL = "https://hooks.example.com/earlystop"
SECRET_URL: dict[str, Any] = {"urlRef": {"name": "address", "key": "url"}}


def serving(made: Manifest, address: str = "") -> Memory:
    api = Memory()
    serve_hooks(api, made)
    if address:
        data = {"url": base64.b64encode(address.encode()).decode()}
        api.put(SECRETS, {"metadata": {"name": "address", "namespace": NAMESPACE}, "data": data})
    return api


async def found(api: Memory, namespace: str = "llm", name: str = "receiver") -> Channel:
    return await channel_to(api, SecretReader(api, NAMESPACE), name, namespace)


async def problem(api: Memory, **more: Any) -> HookProblem:
    with pytest.raises(HookProblem) as refused:
        await found(api, **more)
    return refused.value


async def test_a_target_leads_to_its_address_with_its_keys() -> None:
    channel = await found(serving(target(URL)))
    assert (channel.url, channel.keys) == (URL, (KEY.encode(),))
    assert KEY not in repr(channel) and URL not in repr(channel)


async def test_an_address_may_be_a_secret_of_the_operators_namespace() -> None:
    api = serving(target(None, template="Slack", signingRef=None, **SECRET_URL), f"{URL}\n")
    channel = await found(api)
    assert (channel.url, channel.keys) == (URL, ())


async def test_a_target_may_be_for_some_namespaces_alone() -> None:
    api = serving(target(URL, namespaces=["chat", "llm"]))
    assert (await found(api)).url == URL
    refused = await problem(api, namespace="other")
    assert refused.reason == "HookTargetForbidden" and "other" in refused.message


async def test_a_target_that_is_not_there_is_named() -> None:
    refused = await problem(serving(target(URL)), name="missing")
    assert refused.reason == "HookTargetNotFound" and "missing" in refused.message


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/T0K3N",
        "ftp://hooks.example.com/T0K3N",
        "https://user:T0K3N@hooks.example.com/",
        "https:///T0K3N",
        "hooks.example.com/T0K3N",
        "https://hooks.example.com/T0K3N extra",
        "https://hooks.example.com:99999/T0K3N",
        "https://[::1/T0K3N",
        "https://hooks.example.com/T0K3N\u00e9",
    ],
)
async def test_a_secret_address_that_cannot_be_used_is_refused_and_not_repeated(address: str) -> None:
    api = serving(target(None, allowHttp=None, **SECRET_URL), address)
    refused = await problem(api)
    assert refused.reason == "HookTargetUnusable" and "T0K3N" not in refused.message


async def test_a_key_that_is_missing_or_too_short_is_told_by_its_place() -> None:
    api = serving(target(URL))
    api.put(SECRETS, signing_secret("hunter2"))
    refused = await problem(api)
    assert refused.reason == "HookTargetUnusable" and "24 bytes" in refused.message
    assert "hunter2" not in refused.message and "Secret hook" in refused.message
    del api.objects[SECRETS.path(NAMESPACE, "hook")]
    message = (await problem(api)).message
    assert "there is none" in message and message.endswith("or correct the reference in the HookTarget")


async def test_an_authority_that_is_no_certificate_is_told() -> None:
    refused = await problem(serving(target(URL, caRef={"name": "hook", "key": "key"})))
    assert "caRef" in refused.message and KEY not in refused.message


async def test_while_the_api_is_away_a_target_cannot_be_used_and_that_is_told() -> None:
    api = serving(target(URL))
    api.fail("GET", ClusterError(0, "TimeoutError"))
    assert (await problem(api)).reason == "HookTargetUnusable"


@pytest.mark.parametrize(
    "changes", [{"allowNetworks": ["10.0.0.0/99"]}, {"template": "Fax"}, {"timeoutSeconds": "long"}]
)
async def test_a_target_from_before_its_rules_is_refused(changes: dict[str, Any]) -> None:
    assert (await problem(serving(target(URL, **changes)))).reason == "HookTargetUnusable"
