"""A report as one self-contained page: it fetches nothing, and takes no text for markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from earlystop.api.plurals import counted
from earlystop.report.content import Report
from earlystop.report.embedded import asset, page_script, styles
from earlystop.report.shown import shown_digest
from earlystop.rollout.decision import BY_CLASS

WEIGHT = "weight"
"""The plot that is left out where no candidate had requests of users."""
PLOTS = (
    ("effect", "Exact Match", "Points against the baseline, with the interval that is valid at every look."),
    ("saving", "Tokens saved", "Share of the baseline's, with the interval that is valid at every look."),
    (
        "evidence",
        "Evidence",
        "1 in 20: chance alone shows so much in one of 20 campaigns at most. A claim that reaches its line is proven; "
        "what is further from no sign than three times the line is drawn at the edge.",
    ),
    (WEIGHT, "Weight", "Requests that the candidate had."),
)
"""Name, title and subtitle of each plot of a comparison."""


LONGEST_PLAIN_RECORD = 60_000
"""Characters of a record that stands in its page as it is; a longer one is compressed."""


def page_of(report: Report) -> str:
    """The page, in HTML."""
    record = report.record
    title = f"{report.namespace}/{record.policy}: {record.decision} {record.candidate}"
    plots = [each for each in PLOTS if report.moves_traffic or each[0] != WEIGHT]
    shown = _template("shown.html.jinja").render(report=report, plots=plots, counted=counted, by_class=BY_CLASS)
    return _template("page.html.jinja").render(
        report=report,
        title=title,
        shown=Markup(shown),  # noqa: S704  # each text in it is escaped
        shown_digest=shown_digest(title, shown),
        packed=_packed(report.text) if len(report.text) > LONGEST_PLAIN_RECORD else None,
        security_policy=security_policy(),
        styles=Markup(styles()),  # noqa: S704  # files of this package, which hold no text of anybody
        script=Markup(page_script()),  # noqa: S704
        terms_digest=f"sha256:{hashlib.sha256(report.terms.encode()).hexdigest()}",
    )


@cache
def security_policy() -> str:
    """What a browser may do for a page: run this script, apply these styles, and fetch nothing."""
    script, style = (_source(text) for text in (page_script(), styles()))
    return f"default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"


def _packed(text: str) -> str:
    """A text that is compressed by gzip, in base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template(name: str) -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(asset(name))
