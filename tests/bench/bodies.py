"""Does an engine get the right body in each of 10,000 requests, and nothing else changed?

`make bench-bodies`. Bodies in the forms that clients of public engines send, each among members that are drawn anew,
go by real HTTP through an injector with half of the requests as the baseline's, and what the engine received is
compared byte by byte with what it should have. Two in ten requests are streams, and one in fifty is no JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from earlystop.api.body_knobs import ENDINGS, Api, Knob
from earlystop.api.body_settings import body_settings
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.unit.injector.public_bodies import BODIES, UNREADABLE, Sent
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import HEADERS, Client, client

REQUESTS, AT_ONCE, SEED = 10_000, 16, 20261128
NUMBER = "x-number"
PATHS = {api: f"/v1{ending}" for ending, api in ENDINGS.items()}
_WORDS = ('"a\\u00e9"', '"€ 😀"', "1e-7", "18446744073709551615", "-0.0", "null", "true", '[1, [2 , {"n": 9}]]', "{}")


@dataclass(frozen=True, slots=True)
class Row:
    """One request. variant: whose; body: as sent; right: as the engine is to get it."""

    sent: Sent
    variant: str
    body: bytes
    right: bytes


def rows(count: int, seed: int, knob: tuple[str, Knob]) -> Iterator[Row]:
    """So many requests of an engine with one knob."""
    rng = random.Random(seed)
    forms = [each for each in BODIES if (each.engine, each.knob) == knob]
    for _ in range(count):
        sent = rng.choice(forms)
        variant = rng.choice(("baseline", "candidate"))
        if rng.random() < 0.02:
            raw = rng.choice(UNREADABLE[:-2])
            yield Row(sent, variant, raw, raw)
            continue
        more = _members(rng)
        before, after = more + sent.before[1:], more + sent.after[1:]
        yield Row(sent, variant, before, after if variant == "candidate" else _untouched(sent, before))


def _members(rng: random.Random) -> bytes:
    """The beginning of an object with members that no engine knows, and spaces as some clients write them."""
    drawn = ""
    for index in range(rng.randrange(6)):
        space, colon = rng.choice((" ", "", "\n")), rng.choice((":", " : ", ":  "))
        drawn += f'{space}"x{index}_{rng.randrange(99)}"{colon}{rng.choice(_WORDS)},'
    return ("{" + drawn).encode()


def _untouched(sent: Sent, body: bytes) -> bytes:
    """A baseline has no setting, so of its bodies no more than the question for the usage is written."""
    asked = json.loads(body)
    options = asked.get("stream_options")
    tells = sent.api in (Api.CHAT_COMPLETIONS, Api.COMPLETIONS)
    if not (asked.get("stream") and tells) or (isinstance(options, dict) and options.get("include_usage")):
        return body
    if isinstance(options, dict):
        return body.replace(b'"include_usage":false', b'"include_usage":true')
    if "stream_options" in asked:
        return body.replace(b'"stream_options":null', b'"stream_options":{"include_usage":true}')
    end = body.rindex(b"}")
    return body[:end] + b',"stream_options":{"include_usage":true}' + body[end:]


async def _send(asking: Client, engine: StubEngine, all_rows: list[Row]) -> int:
    """How many of these requests reached the engine with other bytes than they should, or failed."""
    left = iter(enumerate(all_rows))

    async def ask() -> None:
        for number, row in left:
            headers = {**HEADERS, "x-early-stop-variant": row.variant, NUMBER: str(number)}
            headers.pop("x-early-stop-param-cap", None)
            if row.variant == "candidate":
                headers["x-early-stop-param-it"] = row.sent.value
            async with asking.session.post(PATHS[row.sent.api], data=row.body, headers=headers) as answer:
                await answer.read()
                assert answer.status == 200, await answer.text()

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    got = {int(headers[NUMBER]): body for body, headers in engine.received}
    wrong = [number for number, row in enumerate(all_rows) if got.get(number) != row.right]
    for number in wrong[:3]:
        print(f"sent {all_rows[number].body!r}\nis   {got.get(number)!r}", file=sys.stderr)
        print(f"not  {all_rows[number].right!r}", file=sys.stderr)
    return len(wrong) + abs(len(engine.received) - len(all_rows))


async def measure(count: int) -> tuple[int, int]:
    """How many requests were sent, and how many were wrong."""
    kinds = sorted({(each.engine, each.knob) for each in BODIES})
    shares = [len([each for each in BODIES if (each.engine, each.knob) == kind]) for kind in kinds]
    sent = wrong = 0
    for place, (kind, share) in enumerate(zip(kinds, shares, strict=True)):
        of_kind = list(rows(-(-count * share // len(BODIES)), SEED + place, kind))
        engine = StubEngine()
        settings = InjectorSettings(body_settings(read_words(kind[0], [f"it={kind[1]}"])))
        async with client(engine, settings) as asking:
            wrong += await _send(asking, engine, of_kind)
            counts = [await asking.counts(variant) for variant in ("baseline", "candidate")]
        sent += len(of_kind)
        assert sum(each["started"] for each in counts) == len(of_kind)
    return sent, wrong


def main() -> None:
    """Measure and print; ends with 1 where a body was wrong."""
    sent, wrong = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS))
    print(f"{sent} requests by {len({(each.engine, each.knob) for each in BODIES})} injectors: {wrong} wrong bodies")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
