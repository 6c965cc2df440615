"""Objects as watches last showed them, and which policies were decided on which of them.

The rule: an object that is kept may be decided on, since every write names the resourceVersion that it was decided on
and is refused if the object has changed. That one is missing is never concluded from here: it is read. So is one that
is larger than `KeptBytes` lets be kept, whose edits are followed all the same.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.controller.cache.kept_bytes import KeptBytes
from earlystop.controller.cache.readers import Reader, Readers
from earlystop.controller.cache.stripped import gist, stripped
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.object_key import ObjectKey, version_of

# All objects of these kinds are kept, of other kinds those that a policy has named.
KEPT_WHOLE = frozenset({"HTTPRoute", "Gateway", "GatewayClass"})


@dataclass(slots=True)
class _Kept:
    """An object as last shown. version: its resourceVersion, None where that is no number. gist: digest of what traffic
    follows from. text: the stripped object as packed JSON, a thirtieth of the memory of what it is parsed to; None
    when it is gone, must be read before it is used again, or is too large to be kept. too_large: whether the last is
    why. listed: whether a watch's list has shown it."""

    version: int | None
    gist: bytes
    text: bytes | None
    listed: bool = False
    too_large: bool = False

    @property
    def is_current(self) -> bool:
        """Whether the object was there when it was last shown, and no write has superseded that since."""
        return self.text is not None or self.too_large


class WatchCache:
    """Takes what watches show and what the operator itself reads and writes; gives the newest of it.

    namespaces: those that are watched, () for all. readers: which policies were decided on which objects.
    """

    def __init__(self, namespaces: Collection[str] = ()) -> None:
        self._namespaces = frozenset(namespaces)
        self._kept: dict[ObjectKey, _Kept] = {}
        self._bytes = KeptBytes()
        self._watched: set[tuple[str, str | None]] = set()
        self.readers = Readers()

    def get(self, key: ObjectKey) -> Manifest | None:
        """The object, which the caller may change; None when it has to be read, which says nothing of whether it
        exists. One that no watch covers has to be read every time."""
        kept = self._kept.get(key)
        if kept is None or kept.text is None or self._scope(key) not in self._watched:
            return None
        found: Manifest = json.loads(zlib.decompress(kept.text))
        return found

    def keys(self, kind: str) -> Iterator[ObjectKey]:
        """Keys of the objects of a kind that were there when they were last shown."""
        return (key for key, kept in list(self._kept.items()) if key.kind == kind and kept.is_current)

    def note_event(self, key: ObjectKey, manifest: Mapping[str, Any], *, listed: bool = False) -> bool:
        """A watch has shown the object, in a list or after a change. Returns whether what traffic follows from has
        changed, as far as is known: that an object is listed for the first time is no change."""
        self._watched.add(self._scope(key))
        changed = self._take(key, manifest, listed=listed)
        kept = self._kept.get(key)
        if kept is not None and listed:
            kept.listed = True
        return changed

    def note_listed(self, key: ObjectKey, manifest: Mapping[str, Any]) -> bool:
        """A list that the operator itself asked for shows the object. Returns the same."""
        return self._take(key, manifest, listed=True)

    def note(self, key: ObjectKey, manifest: Mapping[str, Any]) -> None:
        """The operator itself has read or written the object: nobody has to be told."""
        self._take(key, manifest, listed=False)

    def _take(self, key: ObjectKey, manifest: Mapping[str, Any], *, listed: bool) -> bool:
        if not self._is_wanted(key):
            return not listed
        version, kept = version_of(manifest["metadata"]), self._kept.get(key)
        if kept is not None and version is not None and kept.version is not None:
            if version < kept.version:
                if listed:
                    self.drop(key)  # the API server's numbers began anew, or its list is behind: the object is read
                return False
            if version == kept.version and kept.is_current:
                return False
        content = stripped(key.kind, manifest)
        self._let_go(key)
        text = json.dumps(content, separators=(",", ":")).encode()
        fits = self._bytes.fits(key.namespace, len(text))
        packed = zlib.compress(text, zlib.Z_BEST_SPEED) if fits else None
        new = _Kept(version, gist(key.kind, content), packed, too_large=not fits)
        new.listed = kept is not None and kept.listed
        self._keep(key, new)
        return not listed if kept is None else kept.gist != new.gist

    def _keep(self, key: ObjectKey, new: _Kept) -> None:
        self._kept[key] = new
        self._bytes.changed(key.namespace, 0, len(new.text or b""))

    def _let_go(self, key: ObjectKey) -> None:
        """Keep nothing of an object from now on. It is no error where nothing of it was kept."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes.changed(key.namespace, len(kept.text or b""), 0)

    def note_deleted(self, key: ObjectKey, manifest: Mapping[str, Any]) -> bool:
        """A watch has shown that the object is gone. Returns whether that is news: another one may have taken its name
        since."""
        self._watched.add(self._scope(key))
        version, kept = version_of(manifest["metadata"]), self._kept.get(key)
        if not self._is_wanted(key):
            return True
        if kept is not None and version is not None and kept.version is not None and version < kept.version:
            return False
        # The version stays, so that an answer which was under way when the object went does not bring it back.
        self._let_go(key)
        self._keep(key, _Kept(version, b"", None))
        return True

    def was_listed(self, key: ObjectKey) -> bool:
        """Whether a watch's list has shown the object: the next list that shows it is another one, made after a gap in
        which deletions may have been missed."""
        kept = self._kept.get(key)
        return kept is not None and kept.listed

    def drop(self, key: ObjectKey) -> None:
        """What is kept was superseded: the object is read before it is used again."""
        kept = self._kept.get(key)
        if kept is not None:
            self._bytes.changed(key.namespace, len(kept.text or b""), 0)
            kept.text, kept.too_large = None, False

    @property
    def kept_bytes(self) -> int:
        """Bytes of all objects as they are kept."""
        return self._bytes.total()

    def versions(self, kind: str) -> dict[ObjectKey, int | None]:
        """The resourceVersions of the kept objects of a kind, for `missing_since`."""
        return {key: self._kept[key].version for key in self.keys(kind)}

    def changed_from(self, kind: str, seen: Mapping[ObjectKey, int | None]) -> set[ObjectKey]:
        """The objects of a kind of which newer versions than these are known, or that they are gone."""
        found = ((key, each) for key, each in self._kept.items() if key.kind == kind)
        return {key for key, each in found if (each.is_current or key in seen) and _is_news(each, seen.get(key))}

    def missing_since(self, before: Mapping[ObjectKey, int | None], listed: Collection[ObjectKey]) -> list[ObjectKey]:
        """The objects that a list did not show although they were kept before it and have not been shown since. They
        are dropped."""
        missing = [
            key
            for key, version in before.items()
            if key not in listed and (kept := self._kept.get(key)) is not None and kept.version == version
        ]
        for key in missing:
            self.drop(key)
        return missing

    def forget_gone(self) -> None:
        """Let go what is kept of objects that are gone and that no policy names."""
        for key, kept in list(self._kept.items()):
            if not kept.is_current and key not in self.readers:
                del self._kept[key]

    def note_reads(self, reader: Reader, keys: Iterable[ObjectKey]) -> None:
        """A policy is about to be decided on these objects as well, which are kept from now on."""
        self.readers.add(reader, keys)

    def keep_reads(self, reader: Reader, keys: Collection[ObjectKey]) -> None:
        """A policy is decided on these objects and no others any more."""
        self._let_go_unread(self.readers.keep(reader, keys))

    def forget_reader(self, reader: Reader) -> None:
        """A policy is gone: what was kept for it alone is let go."""
        self._let_go_unread(self.readers.forget(reader))

    def _let_go_unread(self, keys: Iterable[ObjectKey]) -> None:
        for key in keys:
            if key.kind not in KEPT_WHOLE:
                self._let_go(key)

    def _is_wanted(self, key: ObjectKey) -> bool:
        return key.kind in KEPT_WHOLE or key in self.readers

    def _scope(self, key: ObjectKey) -> tuple[str, str | None]:
        """What is watched together: a kind, in one namespace where only some are watched."""
        return (key.kind, key.namespace if self._namespaces else None)


def _is_news(kept: _Kept, seen: int | None) -> bool:
    """Whether what is kept is newer than an object of this resourceVersion. What was superseded may be newer than the
    version that is kept of it."""
    if seen is None or kept.version is None:
        return True
    return kept.version > seen if kept.is_current else kept.version >= seen
