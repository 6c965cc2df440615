"""The digest of everything that a page shows, which a browser takes again (`assets/shown.js`). Pure."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

WITHOUT_SCRIPTS = "noscript"
"""What stands in it is shown by browsers that run no script, and so check nothing."""
VOID = frozenset({"br", "wbr"})
"""The elements of a page's body that have no end."""


def shown_digest(title: str, markup: str) -> str:
    """The digest of a title, and of every element, attribute and text of a page's body.

    markup: of the body, without the record, the terms and the script. Runs of blanks count as one, as they are shown.
    """
    content = [plain_text(title).strip(" "), _Shown(markup).content]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def plain_text(text: str) -> str:
    """A text with one space for each run of blanks, without the characters that a browser leaves out or replaces."""
    return re.sub("[ \t\n\f\r]+", " ", re.sub("[\0\ufffd]", "", text))


class _Shown(HTMLParser):
    """A body as nested lists: a text is a text, an element [its name, [[attribute, value], ...], its content]."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.content: list[Any] = []
        self.open: list[list[Any]] = [self.content]
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inner: list[Any] = []
        if tag != WITHOUT_SCRIPTS:
            self.open[-1].append([tag, [[name, plain_text(value or "")] for name, value in attrs], inner])
        if tag not in VOID:
            self.open.append(inner)

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        text = plain_text(data)
        if text not in ("", " "):
            self.open[-1].append(text)
