"""For servers that read their settings themselves: from a key of a ConfigMap that the operator writes.

    exporter = Exporter(policies=["llm/qa"])
    settings = MountedSettings("/etc/earlystop/settings.json", "llm/qa", exporter)
    choice = settings.choose(user=request.headers.get("x-user"))          # for each request
    window = int(choice.values.get("window", "40"))                       # a parameter that is missing: your own value
    exporter.started(choice.assignment); …; exporter.completed(choice.assignment, tokens=212, result="match")

The policy says what is hashed to a variant (`drawnBy`): each request for itself, or its user, who then keeps a variant
for as long as the weights allow. All processes decide alike, and no request needs a header.

The file is looked at when a request comes and when the metrics are scraped, at most once a second: no thread is needed,
so forked workers go on by themselves. A file that is half written, missing or malformed changes nothing at first: the
last good settings stay, a log line and a metric say so. Where the file holds something malformed or another policy's
settings for a minute, all requests get the baseline of the last good settings, and count for no one. Where the key was
taken out of a mounted ConfigMap and stays out for a minute, the policy is gone, and the server serves as it did before
there was one.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from earlystop.exporter.assignment import Assignment, checked_policies
from earlystop.exporter.buckets import drawn_variant
from earlystop.exporter.choice import Choice, SettingsInForce, known_user, unassigned_choice
from earlystop.exporter.export import Exporter
from earlystop.exporter.mounted_file import Missing, Signature, read_snapshot, signature_of
from earlystop.exporter.settings_document import BY_USER, MAX_BYTES, SettingsDocument, all_on_baseline, read_document

__all__ = ["Choice", "MountedSettings"]

CHECK_SECONDS = 1.0
"""How often the file is looked at, at most."""
REMOVED_SECONDS = 60.0
"""For how long a key has to be gone, or to hold something else: who replaces a ConfigMap may do so for a moment."""
MALFORMED, FOREIGN = "malformed", "foreign"

log = logging.getLogger(__name__)


class _Serving(NamedTuple):
    """The settings by which a process serves. is_counted: whether the exporter has room for its revision. is_withdrawn:
    whether the file has held something else for so long that no candidate of the document may be served any more."""

    document: SettingsDocument
    is_counted: bool
    is_withdrawn: bool = False


class MountedSettings:
    """The settings in one file, and each request's variant by them. Safe between threads and after a fork.

    path: the file, below the volume's mount; a file that is mounted by `subPath` never changes. policy: the one whose
    settings these are, as namespace/name; another's are not served. exporter: what counts this process's requests.
    clock: gives seconds, and never goes back. wall_clock: gives Unix seconds, as files have them.

    Raises ValueError for a policy that is no namespace/name. A file that is not there yet is no error.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        policy: str,
        exporter: Exporter,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        checked_policies([policy])
        self._path, self._policy, self._exporter = Path(path), policy, exporter
        self._clock, self._wall_clock = clock, wall_clock
        self._serving: _Serving | None = None
        self._signature: Signature | None = None
        self._fault = ""
        self._unfit_since: float | None = None
        self._looked_at = -CHECK_SECONDS + clock()
        self._lock = threading.Lock()
        exporter.show_settings(self.in_force)
        begin_anew = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (begin := begin_anew()) and begin())
        self._look()

    def choose(self, *, user: str | None = None, request: str | None = None) -> Choice:
        """The variant of a request.

        user: who asks, by whatever name stays the same; None or blank where that is not known: where users are drawn,
        such a request gets the baseline's values and counts as unassigned, else all of them would be one user's.
        request: an id of the request that all its attempts share; None draws at random. Which of them is hashed the
        policy says.
        """
        self._look()
        serving = self._serving
        if serving is None:
            return unassigned_choice(self._policy)
        document = serving.document
        by_user = document.drawn_by == BY_USER
        user = known_user(user)
        if serving.is_withdrawn or (by_user and user is None):
            return unassigned_choice(self._policy, document.variants[0].values)
        key = user if by_user and user is not None else request or secrets.token_hex(8)
        variant = drawn_variant(document.revision, key, document.weights)
        values = document.values_of(variant)
        if not serving.is_counted:
            # The operator asked for these values, so they are served; but they are evidence for no one.
            return unassigned_choice(self._policy, values)
        assignment = Assignment(
            document.policy, document.revision, document.step, variant, token=document.token, user=user
        )
        return Choice(assignment, values)

    def choice_of(self, variant: str) -> Choice | None:
        """The choice of a request that asks for this variant by its name, as an evaluator's question does, whatever its
        weight; None where nothing of the kind is served."""
        self._look()
        serving = self._serving
        if serving is None or serving.is_withdrawn or not serving.is_counted:
            return None
        document = serving.document
        if variant not in dict(document.weights):
            return None
        assignment = Assignment(document.policy, document.revision, document.step, variant, token=document.token)
        return Choice(assignment, document.values_of(variant))

    @property
    def in_use(self) -> frozenset[str]:
        """The variants that requests get, of the settings that were read last."""
        serving = self._serving
        if serving is None or serving.is_withdrawn:
            return frozenset()
        return frozenset(name for name, weight in serving.document.weights if weight > 0)

    def in_force(self) -> SettingsInForce:
        """The settings by which this process serves now."""
        self._look()
        if self._serving is None:
            return SettingsInForce(self._policy, fault=self._fault)
        document = self._serving.document
        if self._serving.is_withdrawn:
            document = all_on_baseline(document)
        return SettingsInForce(self._policy, document.revision, str(document.step), document.digest, self._fault)

    def _look(self) -> None:
        """Take over what is in the file, if that is due. While one thread does so the others go on by what is known."""
        now = self._clock()
        if now - self._looked_at < CHECK_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_at = now
            self._read(now)
            if self._serving is not None and not self._serving.is_counted and not self._serving.is_withdrawn:
                self._serve(self._serving.document)
        finally:
            self._lock.release()

    def _read(self, now: float) -> None:
        if not self._fault and self._signature is not None and signature_of(self._path) == self._signature:
            return
        found = read_snapshot(self._path, MAX_BYTES, self._wall_clock())
        if isinstance(found, Missing):
            self._signature = None
            self._note_missing(found, now)
            return
        try:
            document = read_document(found.data)
        except ValueError as error:
            self._note_unfit(MALFORMED, str(error), now)
            return
        if document.policy != self._policy:
            self._note_unfit(FOREIGN, f"it holds the settings of policy {document.policy}", now)
            return
        self._signature, self._unfit_since = found.signature, None
        self._note_fault("", "")
        if self._serving is None or self._serving.is_withdrawn or document != self._serving.document:
            self._serve(document)
            log.info("%s: serving by revision %s, step %d", self._path, document.revision, document.step)

    def _serve(self, document: SettingsDocument) -> None:
        self._serving = _Serving(document, self._register(document))

    def _register(self, document: SettingsDocument) -> bool:
        """Expose the counters at 0, and the values. False while there is no room for the revision."""
        names = [each.name for each in document.variants]
        if not self._exporter.register(document.policy, document.revision, document.step, variants=names):
            return False
        for each in document.variants:
            for parameter, value in each.values.items():
                self._exporter.setting(document.policy, document.revision, each.name, parameter, value)
        return True

    def _note_missing(self, why: Missing, now: float) -> None:
        """Keep the last settings, unless the key has been gone for long enough to be meant so."""
        if why is not Missing.REMOVED:
            self._unfit_since = None
            self._note_fault(why, "the file cannot be read" if why is Missing.UNREADABLE else "there is no such file")
            return
        if self._serving is not None and self._unfit_for(now) < REMOVED_SECONDS:
            self._note_fault(why, "the key is not in the ConfigMap")
            return
        if self._serving is not None:
            log.warning("%s: the key is gone for %.0f s, so no policy sets anything", self._path, REMOVED_SECONDS)
        self._serving, self._fault = None, ""

    def _note_unfit(self, fault: str, why: str, now: float) -> None:
        """Keep the last settings for a while: what stands in the file may be there by mistake, or the operator may have
        left the entry to another policy since it withdrew these."""
        self._note_fault(fault, why)
        serving = self._serving
        if serving is None or serving.is_withdrawn or self._unfit_for(now) < REMOVED_SECONDS:
            return
        self._serving = serving._replace(is_withdrawn=True)
        log.warning("%s: %s for %.0f s, so all requests get the baseline", self._path, why, REMOVED_SECONDS)

    def _unfit_for(self, now: float) -> float:
        """For how many seconds the file has held no settings of the policy."""
        if self._unfit_since is None:
            self._unfit_since = now
        return now - self._unfit_since

    def _note_fault(self, fault: str, why: str) -> None:
        """Say so once, when it begins and when it ends."""
        if fault and fault != self._fault:
            log.warning("%s: %s; the last good settings stay in force", self._path, why)
        elif self._fault and not fault:
            log.info("%s: can be read again", self._path)
        self._fault = fault

    def _begin_anew(self) -> None:
        """Begins anew in a forked child: the parent's lock may never be given back, and what it read may be out of
        date."""
        self._lock = threading.Lock()
        self._looked_at = self._clock() - CHECK_SECONDS
