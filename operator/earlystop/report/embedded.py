"""The files that a page is made of: its styles, its scripts, and the library that draws its plots."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

REPLAY = (
    "special_functions.js",
    "mixtures.js",
    "dealing.js",
    "exact_match.js",
    "pairs.js",
    "scatter.js",
    "lengths.js",
    "effect_bounds.js",
    "same_setting.js",
    "replay.js",
)
"""Scripts that repeat the evidence, each after those that it uses. They know nothing of a page."""

PAGE = ("checks.js", "shown.js", "charts.js", "tables.js", "page.js")
"""Scripts of the page itself."""

COMMENTS = ("//", "/**", "* ", "*/")
"""How a line of a script begins that is a comment, or part of one."""

COMMENTED = "// With comments, and the sources of formulas, these scripts stand in operator/earlystop/report/assets."
"""What a page says to those who read its source to check the evidence."""


@cache
def asset(name: str) -> str:
    """The text of a file that the page holds, by its name in `report/assets`."""
    return files("earlystop.report").joinpath("assets", name).read_text(encoding="utf-8")


def replay_script() -> str:
    """The script that repeats the evidence of a comparison, by the function `replay`."""
    return "\n".join(asset(name) for name in REPLAY)


def page_script() -> str:
    """Everything that a page runs: the library of plots with its licence, the evidence, and the page's own scripts."""
    own = "\n".join(_bare(asset(name)) for name in (*REPLAY, *PAGE))
    library = f"/*\n{asset('uplot/LICENSE')}*/\n{asset('uplot/uPlot.iife.min.js')}"
    return f'{library}\n{COMMENTED}\n(() => {{\n"use strict";\n{own}\n}})();\n'


def styles() -> str:
    """The styles of a page and of its plots."""
    return f"{asset('uplot/uPlot.min.css')}\n{_dense(_flush_left(asset('page.css')))}"


def _dense(style: str) -> str:
    """A style without comments, and without blanks between its rules and declarations, also to keep a page small. No
    text that it shows has a brace, a semicolon or the beginning of a comment."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    style = re.sub(r"\s*([{};])\s*", r"\1", style).replace(";}", "}")
    return re.sub(r"(?<=[{;])([a-z-]+): ", r"\1:", style)


def _flush_left(text: str) -> str:
    """Without the indentation of its lines, which is a tenth of it, and without empty ones: a page with many looks has
    to stay small. No text that a script or style holds goes over a line's end."""
    return "\n".join(line.lstrip() for line in text.splitlines() if line.strip())


def _bare(script: str) -> str:
    """A script flush left and without the lines that are comments alone, for the same reason; `COMMENTED` says where
    they are."""
    return "\n".join(line for line in _flush_left(script).splitlines() if not line.startswith(COMMENTS))
