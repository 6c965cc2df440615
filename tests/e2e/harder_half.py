"""The harder half of recorded questions, as users may ask it from one day to the next."""

from __future__ import annotations

import json
from pathlib import Path

from earlystop.api.wire import MATCH
from earlystop.demo.recordings import Recording, load_recordings
from earlystop.demo.replay import Replay
from earlystop.demo.voting import MAXIMUM_WINDOW


def write_harder_half(data: str, folder: Path) -> Path:
    """A file of those that a server answers wrong by the whole window, and as many others as make half of all."""
    recorded = load_recordings(data)
    replay = Replay(recorded)

    def is_right(each: Recording) -> bool:
        reply = replay.reply(each.question, MAXIMUM_WINDOW)
        return reply is not None and reply.result == MATCH

    harder = sorted(recorded, key=is_right)[: len(recorded) // 2]
    rows = ({"question": each.question, "answer": each.gold, "generated_answer": each.samples} for each in harder)
    file = folder / "harder.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return file
