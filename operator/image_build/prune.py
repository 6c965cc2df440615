"""Removes from installed packages what the operator never imports, two fifths of their size.

`python3 prune.py FOLDER`: tests, stubs for type checkers, the modules of UNUSED, most of MODELS and LEXERS, and the
packages of OF_PEOPLE. A test compares these with what the operator's code imports; whatever is imported all the same
ends the process with the module's name.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

UNUSED = (
    "numpy.distutils",
    # Generated classes, one for each group of the API: the operator sends its requests by ApiClient.
    "kubernetes.aio.client.api",
    "kubernetes.client.api",
    # Forecasts need scipy.special, and that scipy.linalg; the first two of these take 170 MiB of memory when imported.
    "scipy.optimize",
    "scipy.stats",
    "scipy.cluster",
    "scipy.datasets",
    "scipy.fft",
    "scipy.fftpack",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.io",
    "scipy.ndimage",
    "scipy.odr",
    "scipy.signal",
    "scipy.sparse",
    "scipy.spatial",
)

# Folders of generated classes, each of which is imported when it is named, and those that the package names itself.
MODELS = ("kubernetes.aio.client.models", "kubernetes.client.models")
NAMED_MODELS = frozenset({"__init__.py", "v1_managed_fields_entry.py", "v1_object_meta.py", "v1_owner_reference.py"})

# What colours source code: a traceback on a terminal is of Python.
LEXERS = "pygments.lexers"
NAMED_LEXERS = frozenset({"__init__.py", "_mapping.py", "python.py"})

# Packages that only `kubectl earlystop validate` and `plan` need, on people's own machines, and the name of each in the
# list of what is installed.
OF_PEOPLE = {
    "cel": "common_expression_language",
    "prompt_toolkit": "prompt_toolkit",
    "wcwidth": "wcwidth",
}


def prune(packages: Path) -> None:
    """Remove all that. Raises FileNotFoundError where a module is not there: the list is to be looked at again then."""
    for module in (*UNUSED, *OF_PEOPLE):
        shutil.rmtree(packages.joinpath(*module.split(".")))
    for module, named in (*((each, NAMED_MODELS) for each in MODELS), (LEXERS, NAMED_LEXERS)):
        for path in packages.joinpath(*module.split(".")).iterdir():
            if path.is_file() and path.name not in named:
                path.unlink()
    for name in OF_PEOPLE.values():
        for record in packages.glob(f"{name}-*.dist-info"):
            shutil.rmtree(record)
    for tests in [path for path in packages.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)  # one may lie within another
    for stub in packages.rglob("*.pyi"):
        stub.unlink()


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
