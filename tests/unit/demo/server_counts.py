"""Questions to a demo server, and what its page then counts."""

from __future__ import annotations

import asyncio

from earlystop.api.counts import Tally
from earlystop.demo.recordings import Recording
from earlystop.demo.voting import read_sample, vote
from earlystop.evaluator.scoring import exact_match
from tests.unit.demo.serving import Client, ask


def tally_of(answered: list[Recording], window: int) -> Tally:
    """What answering these recordings must be counted as, computed from the recordings themselves."""
    words, matches = [], 0
    for recording in answered:
        voted = vote([read_sample(text) for text in recording.samples], window)
        words.append(voted.words)
        matches += voted.answer is not None and exact_match(voted.answer, recording.gold)
    return Tally(
        started=len(answered),
        completed=len(answered),
        match=matches,
        mismatch=len(answered) - matches,
        tokens=sum(words),
        tokens_squared=sum(count * count for count in words),
        empty=words.count(0),
    )


async def ask_all(client: Client, asked: list[Recording], headers: dict[str, str]) -> None:
    """Asks all of them, some at a time, and sees each answered."""
    open_at_once = asyncio.Semaphore(16)

    async def ask_one(recording: Recording) -> int:
        async with open_at_once:
            return (await ask(client, recording.question, headers)).status

    assert set(await asyncio.gather(*map(ask_one, asked))) == {200}
