"""A report as one self-contained page: nothing in it is fetched from anywhere, and no text in it is taken for markup."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from earlystop.report.assets import asset, page_script, styles
from earlystop.report.content import Report

PLOTS = (
    ("effect", "Exact Match", "Points against the baseline, with the interval that is valid at every look."),
    ("saving", "Tokens saved", "Share of the baseline's, with the interval that is valid at every look."),
    ("evidence", "Evidence", "Log e-values of the claims; one that reaches its line is proven."),
    ("weight", "Weight", "Requests that the candidate had."),
)
"""Name, title and subtitle of each plot of a comparison."""


def page_of(report: Report) -> str:
    """The page, in HTML."""
    return _template().render(
        report=report,
        plots=PLOTS,
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


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(asset("page.html.jinja"))
