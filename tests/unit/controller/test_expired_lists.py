"""A list whose revision the API has forgotten between two pages is listed to its end all the same."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes.aio import client

from earlystop.controller.cluster import SERVICES, Cluster
from earlystop.controller.cluster_errors import Expired

OLD = {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "old"}}
REST = {"items": [{"metadata": {"name": "b"}}], "metadata": {}}
GONE = {"kind": "Status", "message": "The provided continue parameter is too old", "code": 410}


class Forgetful(Cluster):
    """A connection on which each page is asked for once. answers: status and body by what continues the list."""

    def __init__(self, answers: dict[str, tuple[int, object]]) -> None:
        super().__init__(client.ApiClient(client.Configuration()))
        self._answers = answers

    async def _sent(self, method: str, path: str, body: object, content_type: str, accept: str) -> tuple[int, bytes]:
        status, answer = self._answers[parse_qs(urlsplit(path).query).get("continue", [""])[0]]
        return status, json.dumps(answer).encode()


async def names(api: Cluster) -> list[str]:
    async with api:
        return [each["metadata"]["name"] for each in await api.list(SERVICES)]


async def test_the_rest_is_listed_as_it_is_now_and_nothing_twice() -> None:
    gone = {**GONE, "metadata": {"continue": "now"}}
    assert await names(Forgetful({"": (200, OLD), "old": (410, gone), "now": (200, REST)})) == ["a", "b"]


@pytest.mark.parametrize("metadata", [{}, {"continue": ""}, {"continue": "old"}, None, [], "x"])
async def test_an_api_that_offers_no_rest_is_not_asked_again_and_again(metadata: object) -> None:
    answers = {"": (200, OLD), "old": (410, {**GONE, "metadata": metadata})}
    with pytest.raises(Expired, match="continue parameter is too old"):
        await names(Forgetful(answers))
