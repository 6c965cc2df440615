"""Pages in Markdown, as a reader's browser shows them: their links, and the places that links may lead to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "operator" / "docs"
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def all_pages() -> list[Path]:
    """Every page that a person reads."""
    outside = (ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", ROOT / "tests" / "README.md")
    return [*outside, ROOT / "operator" / "ARCHITECTURE.md", *sorted(DOCS.rglob("*.md")), DOCS / "llms.txt"]


def links(text: str) -> list[str]:
    """Where the links of a page lead, without those in code."""
    prose = re.sub(r"`[^`\n]*`", "`code`", _FENCE.sub("", text))
    return _LINK.findall(prose)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return set(_numbered(_slug(title) for title in _HEADING.findall(_FENCE.sub("", text))))


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _numbered(slugs: Iterator[str]) -> Iterator[str]:
    """A heading that stands there again has a number."""
    seen: Counter[str] = Counter()
    for slug in slugs:
        yield slug if not seen[slug] else f"{slug}-{seen[slug]}"
        seen[slug] += 1


def broken(page: Path, text: str) -> list[str]:
    """What is wrong with a page's links, each with what to write instead. Links to other sites are not followed."""
    found = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page if not name else (page.parent / name).resolve()
        if not target.exists():
            found.append(f"{link}: there is no such file; write a path from {page.parent.name}/")
        elif anchor and anchor not in (there := anchors(target.read_text())):
            found.append(f"{link}: {target.name} has no such heading; it has {', '.join(sorted(there))}")
    return found
