"""`llms.txt` for readers that are programs: the index of the documentation in the form that https://llmstxt.org
describes. `python -m docs_build.llms operator/docs` writes it beside the index."""

from __future__ import annotations

import sys
from pathlib import Path

INDEX, PAGE = "README.md", "llms.txt"


def llms_text(index: str) -> str:
    """The file, from the text of the index.

    The index has a title, one paragraph that says what the project is, and sections that are lists of links. Raises
    ValueError where a section holds anything else, since a program would not find it.
    """
    title, _, rest = index.partition("\n\n")
    summary, _, sections = rest.partition("\n\n")
    for line in sections.splitlines():
        if line and not line.startswith(("## ", "- [")):
            raise ValueError(f"{INDEX}, {line[:80]!r}: a section is a list of lines '- [title](file): what it is'")
    return f"{title}\n\n> {' '.join(summary.splitlines())}\n\n{sections}"


def main() -> None:
    """Write the file into the folder named by the first argument, from the index there."""
    folder = Path(sys.argv[1])
    (folder / PAGE).write_text(llms_text((folder / INDEX).read_text()))


if __name__ == "__main__":
    main()
