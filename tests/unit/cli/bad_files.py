"""Files that are no policy, no verdict and no list of looks, by what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.cluster.objects import policy, verdict

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ITSELF = "kind: EarlyStopPolicy\nspec: &s\n  self: *s\n"

CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\n",
    "a comment alone": b"# nothing\n",
    "binary": bytes(range(256)),
    "zeros": bytes(100),
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
    "Latin-1": "kind: Gruß\n".encode("latin-1"),
    "UTF-16 without a mark": "kind: EarlyStopPolicy\n".encode("utf-16-le"),
    "half a character": b"kind: \xe2\x82",
    "half an UTF-16 character": b"\xff\xfek",
    "broken YAML": b"kind: [EarlyStopPolicy\n",
    "a tab in YAML": b"kind:\n\t- x\n",
    "broken JSON": b'{"kind": "EarlyStopPolicy", ',
    "a bomb of aliases": BOMB.encode(),
    "an alias of itself": ITSELF.encode(),
    "an alias of nothing": b"kind: *x\n",
    "a tag of Python": b"!!python/object/apply:os.system ['true']\n",
    "nested YAML": b"[" * 5000,
    "nested JSON": b'{"a":' * 50_000,
    "a list": b"- 1\n- 2\n",
    "a number": b"5\n",
    "text": b"# A page\n\nwith text: and more\n",
    "another kind": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
    "a kind that is a list": b"kind: [EarlyStopPolicy]\n",
    "no metadata": b"apiVersion: earlystop.dev/v1alpha1\nkind: EarlyStopPolicy\nspec: {}\n",
    "metadata that is a list": b"kind: EarlyStopPolicy\nmetadata: []\nspec: []\n",
    "keys that are no text": b"kind: EarlyStopPolicy\n5: 5\n? [a]\n: b\n",
    "a verdict of nothing": b"kind: EarlyStopVerdict\nspec: {}\n",
    "a verdict without fields": b"kind: EarlyStopVerdict\nspec: none\nmetadata: none\n",
    "a verdict whose spec is a number": b"kind: EarlyStopVerdict\nmetadata: {name: y}\nspec: 7\n",
    "a verdict of a date": b"kind: EarlyStopVerdict\nmetadata: 5\nspec: {at: 2026-01-01, plan: !!binary aGk=}\n",
    "a kind without end": f"kind: {'x' * 100_000}\nmetadata: {{name: x}}\n".encode(),
    "a key without end": yaml.safe_dump({**policy(), "spec": {**policy()["spec"], "y" * 100_000: 1}}).encode(),
    "a value without end": yaml.safe_dump({**policy(), "spec": {"delivery": {"mode": "y" * 100_000}}}).encode(),
    "two policies": yaml.safe_dump_all([policy(), policy()]).encode(),
    "two verdicts": yaml.safe_dump_all([verdict(), verdict()]).encode(),
    "terminal escapes": b'kind: "\\e]0;x\\a\\e[2J"\nmetadata: {name: "\\e[31m"}\n',
}

PLACES: dict[str, Callable[[Path], Path]] = {
    "missing": lambda folder: folder / "missing.yaml",
    "a directory": lambda folder: folder,
    "below a file": lambda folder: _written(folder / "file", b"") / "below.yaml",
    "a name that is too long": lambda folder: folder / ("x" * 300 + ".yaml"),
    "a link to itself": lambda folder: _linked(folder / "loop.yaml"),
    "too large": lambda folder: _written(folder / "large.yaml", b"#" * (9 * 2**20)),
}
BAD = (*CONTENTS, *PLACES)


def bad_file(name: str, folder: Path) -> Path:
    """The path of a bad file, which is made in the folder."""
    if name in PLACES:
        return PLACES[name](folder)
    return _written(folder / "bad.yaml", CONTENTS[name])


def right_policy(folder: Path) -> Path:
    return _written(folder / "right.yaml", json.dumps(policy()).encode())


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _linked(path: Path) -> Path:
    path.symlink_to(path)
    return path
