"""The operator starts under a user that no list of users names, as the container's is."""

from __future__ import annotations

import asyncio
import pwd
from types import SimpleNamespace
from typing import Any, cast

import kopf
import pytest

from earlystop.controller import main
from earlystop.controller.cluster import ClusterError
from earlystop.controller.runtime import Runtime


class NothingToLearn:
    follower, login = SimpleNamespace(kinds=()), None

    async def learn_sources(self) -> None:
        pass


async def test_kopf_is_told_who_it_is_so_it_need_not_look_up_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    async def spawn_and_cancel(**arguments: Any) -> None:
        tasks = await kopf.spawn_tasks(**arguments)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        spawned.extend(tasks)

    spawned: list[Any] = []
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    monkeypatch.setattr(kopf, "operator", spawn_and_cancel)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME", "POD_ID"):
        monkeypatch.delenv(name, raising=False)
    await main._watch(cast(Runtime, NothingToLearn()), [], asyncio.Event())
    assert spawned


async def test_the_key_of_tokens_is_learned_before_any_policy_is_read_and_asked_for_again_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    class Failing:
        @property
        def token_key(self) -> Failing:
            return self

        async def learn(self) -> None:
            done.append("key")
            if done == ["key"]:
                raise ClusterError(503, "the API server starts")

    async def watch(*_: object) -> None:
        done.append("watch")

    monkeypatch.setattr(main, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(main, "_watch", watch)
    await main._learn_key_and_watch(cast(Runtime, Failing()), [], asyncio.Event())
    assert done == ["key", "key", "watch"]
