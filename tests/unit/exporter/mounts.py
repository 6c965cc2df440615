"""A mounted ConfigMap as the kubelet keeps it, and the documents in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from earlystop.exporter.settings_document import SettingsDocument, VariantSettings

KEY = "settings.json"
DOCUMENT = SettingsDocument(
    policy="llm/qa",
    uid="uid-1",
    revision="r1",
    step=0,
    variants=(VariantSettings("baseline", 95, {"window": "40"}), VariantSettings("candidate", 5, {"window": "10"})),
)


def document(candidate: int = 5, **changes: object) -> SettingsDocument:
    """The document that gives the candidate this weight."""
    baseline, tried = DOCUMENT.variants
    variants = (replace(baseline, weight=100 - candidate), replace(tried, weight=candidate))
    return replace(DOCUMENT, variants=variants, digest="", **changes)  # type: ignore[arg-type]


class MountedVolume:
    """The volume of a ConfigMap: keys are links into `..data`, which is switched as one."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        self._number = 0

    def project(self, data: Mapping[str, str]) -> None:
        """Let the volume hold this, in the kubelet's order: a new directory, the switch, links of new keys, links of
        keys that are gone, and the end of the directory before."""
        self.mount.mkdir(parents=True, exist_ok=True)
        self._number += 1
        new = self.mount / f"..2026_{self._number}"
        new.mkdir()
        for key, text in data.items():
            (new / key).write_text(text)
        link, before = self.mount / "..data", os.path.realpath(self.mount / "..data")
        (self.mount / "..data_tmp").symlink_to(new.name)
        (self.mount / "..data_tmp").rename(link)
        for key in data:
            if not (self.mount / key).is_symlink():
                (self.mount / key).symlink_to(f"..data/{key}")
        for each in self.mount.iterdir():
            if each.is_symlink() and not each.name.startswith("..") and each.name not in data:
                each.unlink()
        if before != str(link):
            shutil.rmtree(before)
