"""The software bill of materials of an image: CycloneDX 1.5 as JSON, on standard output.

`python3 sbom.py NAME VERSION PACKAGES RUNTIME` lists the Python distributions that are installed in the folder
PACKAGES, the interpreter, libraries whose files lie among our own, and the packages of Debian that own a file below
RUNTIME. The same content gives the same bytes: there is no time and no random number in it.
"""

from __future__ import annotations

import json
import platform
import sys
import uuid
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG = Path("/var/lib/dpkg")
VENDORED = (
    {
        "type": "library",
        "name": "uplot",
        "version": "1.6.32",
        "purl": "pkg:npm/uplot@1.6.32",
        "licenses": [{"license": {"id": "MIT"}}],
    },
)
"""Libraries whose files lie among our own: `report/assets/uplot`."""


def python_component(distribution: Distribution) -> dict[str, Any]:
    """An installed distribution as a component."""
    name, version = distribution.metadata["Name"], distribution.version
    component = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}",
    }
    metadata = distribution.metadata.json
    # An expression by the present standard, else the free text of the older one where it is a line and not a licence.
    if expression := metadata.get("license_expression"):
        component["licenses"] = [{"expression": expression}]
    elif (text := metadata.get("license")) and "\n" not in text:
        component["licenses"] = [{"license": {"name": text}}]
    return component


def interpreter_component() -> dict[str, Any]:
    """The Python that runs this."""
    version = platform.python_version()
    return {
        "type": "application",
        "name": "cpython",
        "version": version,
        "purl": f"pkg:generic/cpython@{version}",
        "licenses": [{"license": {"id": "PSF-2.0"}}],
    }


def debian_components(runtime: Path, dpkg: Path = DPKG) -> list[dict[str, Any]]:
    """Debian's packages that own a file below `runtime`; none where the base is not Debian's."""
    status = dpkg / "status"
    if not status.exists():
        return []
    # Debian's folders of the root are links into /usr, and its lists name the one or the other.
    present = {_below_usr(f"/{path.relative_to(runtime)}") for path in runtime.rglob("*") if not path.is_dir()}
    owners = {
        listing.stem.partition(":")[0]
        for listing in (dpkg / "info").glob("*.list")
        if not present.isdisjoint(map(_below_usr, listing.read_text().splitlines()))
    }
    found = []
    for paragraph in status.read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Package") in owners:
            name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
            purl = f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}"
            found.append({"type": "library", "name": name, "version": version, "purl": purl})
    return found


def _below_usr(path: str) -> str:
    return f"/usr{path}" if path.startswith(("/lib/", "/lib64/", "/bin/", "/sbin/")) else path


def bill(name: str, version: str, packages: Path, runtime: Path) -> dict[str, Any]:
    """The document for the application `name`."""
    components = [
        interpreter_component(),
        *map(python_component, distributions(path=[str(packages)])),
        *debian_components(runtime),
        *(dict(each) for each in VENDORED),
    ]
    components = sorted(components, key=lambda each: str(each["purl"]))
    for component in components:
        component["bom-ref"] = component["purl"]
    main = {"type": "application", "name": name, "version": version, "bom-ref": f"{name}@{version}"}
    content = json.dumps([main, components], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": main},
        "components": components,
    }


if __name__ == "__main__":
    _, name, version, packages, runtime = sys.argv
    json.dump(bill(name, version, Path(packages), Path(runtime)), sys.stdout, indent=1)
