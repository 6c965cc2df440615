"""For servers whose settings are a flag of flagd (`delivery.mode: FeatureFlag`), through any client of OpenFeature.

    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    client = api.get_client()
    settings = FlagSettings(
        lambda key: client.get_object_value("earlystop", {}, EvaluationContext(key)), "llm/qa", Exporter()
    )
    choice = settings.choose(user=request.headers.get("x-user"))          # for each request; then as in `settings`

flagd draws the variant; this counts by it, and at each scrape evaluates the flag once more, so that a process without
requests says by which settings it serves, too. Where an evaluation gives nothing of the operator's, as when flagd
cannot be reached, the request gets the server's own setting and counts for nobody, and a metric says so.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from earlystop.exporter.assignment import Assignment, checked_policies
from earlystop.exporter.choice import Choice, SettingsInForce, known_user, unassigned_choice
from earlystop.exporter.export import Exporter
from earlystop.exporter.flag_value import NOBODY, FlagValue, read_value
from earlystop.exporter.settings_document import BY_USER

__all__ = ["Choice", "FlagSettings"]

FAILED, ABSENT, MALFORMED, FOREIGN = "failed", "absent", "malformed", "foreign"

log = logging.getLogger(__name__)


class FlagSettings:
    """Each request's variant as a flag has it. Safe between threads where `evaluate` is, and after a fork.

    evaluate: the flag's value for a targeting key, {} or None where there is none. policy: the one whose settings these
    are, as namespace/name; another's are not served. exporter: what counts this process's requests.

    Raises ValueError for a policy that is no namespace/name.
    """

    def __init__(self, evaluate: Callable[[str], object], policy: str, exporter: Exporter) -> None:
        checked_policies([policy])
        self._evaluate, self._policy, self._exporter = evaluate, policy, exporter
        self._drawn_by = ""
        self._fault = ""
        exporter.show_settings(self.in_force)

    def choose(self, *, user: str | None = None, request: str | None = None) -> Choice:
        """The variant of a request. user, request: as in `settings.MountedSettings.choose`."""
        value, by_user, user = None, self._drawn_by == BY_USER, known_user(user)
        for _ in range(2):  # again where the value says that something else is drawn by than before
            value = self._value((user or NOBODY) if by_user else request or secrets.token_hex(8))
            if value is None or by_user == (value.drawn_by == BY_USER):
                break
            self._drawn_by, by_user = value.drawn_by, value.drawn_by == BY_USER
        if value is None:
            return unassigned_choice(self._policy)
        if by_user and user is None:
            # The flag's rule gives a key of nobody the baseline; whatever gives something else is not the operator's.
            return unassigned_choice(self._policy, value.values if value.place == 0 else None)
        if not self._exporter.register(value.policy, value.revision, value.step, variants=("baseline", value.variant)):
            return unassigned_choice(self._policy, value.values)
        for parameter, text in value.values.items():
            self._exporter.setting(value.policy, value.revision, value.variant, parameter, text)
        assignment = Assignment(value.policy, value.revision, value.step, value.variant, token=value.token, user=user)
        return Choice(assignment, value.values)

    def in_force(self) -> SettingsInForce:
        """The settings by which this process serves now."""
        value = self._value(NOBODY)
        if value is None:
            return SettingsInForce(self._policy, fault=self._fault)
        return SettingsInForce(self._policy, value.revision, str(value.step), value.digest)

    def _value(self, key: str) -> FlagValue | None:
        try:
            value = self._evaluated(key)
        except _NoSettings as why:
            if why.fault != self._fault:
                log.warning("flag of policy %s: %s; requests get the server's own setting", self._policy, why)
            self._fault = why.fault
            return None
        self._fault = ""
        return value

    def _evaluated(self, key: str) -> FlagValue:
        try:
            found = self._evaluate(key)
        except Exception as error:
            # Whatever a client of flags raises must fail no request.
            raise _NoSettings(FAILED, f"it could not be evaluated ({type(error).__name__})") from None
        if not found:
            raise _NoSettings(ABSENT, "it has no value")
        try:
            value = read_value(found)
        except ValueError as error:
            raise _NoSettings(MALFORMED, str(error)) from None
        if value.policy != self._policy:
            raise _NoSettings(FOREIGN, f"it holds the settings of policy {value.policy}")
        return value


class _NoSettings(Exception):
    """An evaluation gave no settings. fault: why, as a label."""

    def __init__(self, fault: str, message: str) -> None:
        self.fault = fault
        super().__init__(message)
