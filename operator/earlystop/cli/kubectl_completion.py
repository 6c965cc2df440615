"""kubectl_complete-earlystop: what kubectl runs to complete `kubectl earlystop ...`.

kubectl passes the words after `earlystop`, of which the last one is to be completed. It expects one completion on each
line, and after them a line with a directive. The completions are typer's own, as for bash.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from typer.completion import get_completion_inspect_parameters

from earlystop.cli.failure import run_safely
from earlystop.cli.main import app
from earlystop.cli.short_process import short_process

NO_FILES = ":4"
"""kubectl's directive: offer no names of files where there is no completion."""
PROGRAM = "kubectl-earlystop"
VARIABLE = "_KUBECTL_EARLYSTOP_COMPLETE"


def complete(words: Sequence[str]) -> None:
    """Print the completions of the last word, a line each."""
    get_completion_inspect_parameters()  # which is how typer registers its shells
    typed = [PROGRAM, *words]
    os.environ |= {VARIABLE: "complete_bash", "COMP_WORDS": shlex.join(typed), "COMP_CWORD": str(len(words))}
    try:
        app(prog_name=PROGRAM, complete_var=VARIABLE)
    except SystemExit:
        return
    finally:
        os.environ.pop(VARIABLE)


def run() -> None:
    """Prints what can follow the words of the command line, one completion a line; kubectl calls it."""
    with short_process():
        run_safely(lambda: complete(sys.argv[1:] or [""]))
    print(NO_FILES)
