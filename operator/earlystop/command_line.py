"""How a process of one command reads its options: help and errors as plain text, whole at any width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer


def plain_app(command: Callable[..., Any], about: str) -> typer.Typer:
    """The command as an application. It draws no tables and boxes, which in a narrow terminal or a log cut names of
    options and paths.

    about: what the command does, which help begins with. It is no docstring, since images run Python without these.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(help=about)(command)
    return app
