"""What a process of this project is started with: its sources, and where its bytecode lies."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "operator"
BYTECODE = ("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")


def environment() -> dict[str, str]:
    """Variables by name, none else of the caller's. Without those of BYTECODE each start would compile all modules."""
    kept = {name: os.environ[name] for name in BYTECODE if name in os.environ}
    return {"PYTHONPATH": str(SOURCES), "PATH": "/usr/bin:/bin", **kept}


@asynccontextmanager
async def started_module(module: str, *arguments: str) -> AsyncIterator[Process]:
    """`python -m MODULE` of this project, ended with the block whatever happens."""
    async with started(sys.executable, "-m", module, *arguments) as process:
        yield process


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[Process]:
    """A command that uses this project's modules, ended with the block whatever happens."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
