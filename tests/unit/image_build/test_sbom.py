"""The bill of materials names what is installed and what the copied libraries belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_build.sbom import VENDORED, bill, debian_components


@pytest.mark.slow
def test_an_installed_package_is_named_with_version_and_licence_and_always_by_the_same_bytes(tmp_path: Path) -> None:
    metadata = tmp_path / "Some_Thing-1.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.2\nLicense-Expression: MIT\n")
    first = bill("earlystop", "0.1.0", tmp_path, tmp_path)
    (found,) = [each for each in first["components"] if each["name"] == "Some_Thing"]
    assert found["purl"] == "pkg:pypi/some-thing@1.2"
    assert found["licenses"] == [{"expression": "MIT"}]
    assert first == bill("earlystop", "0.1.0", tmp_path, tmp_path)


def test_only_debian_packages_that_own_a_copied_file_are_listed(tmp_path: Path) -> None:
    dpkg, runtime = tmp_path / "dpkg", tmp_path / "runtime"
    (dpkg / "info").mkdir(parents=True)
    (dpkg / "status").write_text(
        "Package: libz\nArchitecture: amd64\nVersion: 1:1.2+x\nDescription: text\n more: of it\n\n"
        "Package: bash\nArchitecture: amd64\nVersion: 5\n"
    )
    # The list names the folder of old, which is a link into /usr.
    (dpkg / "info/libz:amd64.list").write_text("/.\n/lib/libz.so.1\n")
    (dpkg / "info/bash.list").write_text("/.\n/bin/bash\n")
    (runtime / "usr/lib").mkdir(parents=True)
    (runtime / "usr/lib/libz.so.1").touch()
    (found,) = debian_components(runtime, dpkg)
    assert (found["name"], found["purl"]) == ("libz", "pkg:deb/debian/libz@1%3A1.2%2Bx?arch=amd64")
    assert debian_components(runtime, tmp_path / "none") == []


def test_a_library_among_our_own_files_is_listed_in_the_version_that_lies_there(tmp_path: Path) -> None:
    (library,) = VENDORED
    script = Path(__file__).parents[3] / "operator/earlystop/report/assets/uplot/uPlot.iife.min.js"
    assert f"uPlot (v{library['version']})" in script.read_text()[:200]
    assert library["purl"] in [each["purl"] for each in bill("x", "1", tmp_path, tmp_path)["components"]]
