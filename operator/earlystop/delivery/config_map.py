"""Mode ConfigMap: a key of a ConfigMap that the servers mount holds the settings; `earlystop.exporter.settings` reads
them."""

from __future__ import annotations

from typing import cast

from earlystop.api.server_settings import ConfigMapKey, ReadByServers
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.settings_mode import NotOurs, SettingsMode, map_in
from earlystop.exporter.settings_document import SettingsDocument, read_document, written


def entry(settings: ReadByServers) -> str:
    """The key of the ConfigMap that holds the policy's settings."""
    return cast(ConfigMapKey, settings).key


def held(manifest: Manifest, key: str) -> SettingsDocument | None:
    """The settings under a key. Raises NotOurs for anything else there."""
    if key in map_in(manifest.get("binaryData")):
        raise NotOurs
    text = map_in(manifest.get("data")).get(key)
    try:
        return None if text is None else read_document(str(text))
    except ValueError:
        raise NotOurs from None


def fields(key: str, document: SettingsDocument) -> Manifest:
    """The part of a ConfigMap that puts settings under a key."""
    return {"data": {key: written(document)}}


MODE = SettingsMode(
    kind="ConfigMap",
    settings=lambda delivery: delivery.config_map,
    entry=entry,
    entry_words="key {}",
    entries=lambda manifest: map_in(manifest.get("data")),
    held=held,
    fields=fields,
)
