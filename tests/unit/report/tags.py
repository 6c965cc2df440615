"""What stands in a page, as a parser of HTML reads it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta", "br", "wbr", "img", "link", "input", "hr")


class Tags(HTMLParser):
    """Every element of a page with its attributes, and the text of those that have an id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.scripts = ""
        self.open: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        begun, _ = self.open.pop()
        assert begun == tag

    def handle_data(self, data: str) -> None:
        self.scripts += data if self.open and self.open[-1][0] == "script" else ""
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data
