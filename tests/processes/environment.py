"""What a process of this project is started with: its sources, and where its bytecode lies."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "operator"
BYTECODE = ("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")


def environment() -> dict[str, str]:
    """Variables by name, none else of the caller's. Without those of BYTECODE each start would compile all modules."""
    kept = {name: os.environ[name] for name in BYTECODE if name in os.environ}
    return {"PYTHONPATH": str(SOURCES), "PATH": "/usr/bin:/bin", **kept}
