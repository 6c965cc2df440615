"""Rules of routes as users write them, drawn at random, and requests that meet them."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from tests.unit.delivery.cluster import exact, header, prefix, rule
from tests.unit.delivery.gateway_api import Request

CHAT, PLAIN = "/v1/chat/completions", "/v1/completions"


BETA = header("x-beta", "yes")


REQUESTS = [
    Request(path, method, headers, query)
    for path, method, headers, query in product(
        (CHAT, PLAIN, "/v1/models", "/qa" + CHAT, "/metrics"),
        ("POST", "GET"),
        ({}, {"x-beta": "yes"}, {"tenant": "a"}, {"Tenant": "b"}),
        ({}, {"v": "2"}),
    )
]


matches = st.builds(
    lambda path, more: path | more,
    st.sampled_from([prefix("/"), prefix("/v1"), prefix("/v1/chat"), exact(CHAT), exact(PLAIN), prefix("/metrics")]),
    st.sampled_from(
        [
            {},
            {"headers": [BETA]},
            {"headers": [header("tenant", "a")]},
            {"headers": [header("tenant", "b")]},
            {"method": "POST"},
            {"method": "GET"},
            {"queryParams": [header("v", "2")]},
            {"method": "POST", "headers": [BETA]},
        ]
    ),
)


rules_of_routes = st.lists(
    st.builds(
        lambda found, to, timeout: rule(*found, to=to, timeouts={"request": timeout}),
        st.lists(matches, min_size=1, max_size=2),
        st.sampled_from(("qa", "other")),
        st.sampled_from(("1s", "2s")),
    ),
    min_size=1,
    max_size=4,
)
