"""The command of this project as a plugin of kubectl, from the checkout: what `pip install` would put on the PATH."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "operator"
PROGRAMS = {
    "kubectl-earlystop": "earlystop.cli.main",
    "kubectl_complete-earlystop": "earlystop.cli.kubectl_completion",
}


def write_plugin(directory: Path) -> Path:
    """A new folder in `directory` with the programs, to be put on a PATH."""
    folder = directory / "plugin"
    folder.mkdir(exist_ok=True)
    for name, module in PROGRAMS.items():
        program = folder / name
        python = f"PYTHONPATH={shlex.quote(str(SOURCES))} exec {shlex.quote(sys.executable)}"
        program.write_text(f"#!/bin/sh\n{python} -c 'from {module} import run; run()' \"$@\"\n")
        program.chmod(0o755)
    return folder
