"""Addresses of APIs, as they are written on the command line and as they are shown to people."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_BEFORE_HOST = re.compile(r"^(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*://)?)[^/?#]*@")


def checked_url(option: str, url: str) -> str:
    """The same URL. Raises ValueError that says what to write instead.

    option: its name on the command line, such as --url.
    """
    if not _is_whole(url):
        raise ValueError(
            f"{option} is {shown_url(url)!r}; write http:// or https://, a host, maybe a port and a path, such as "
            "http://gateway/v1"
        )
    return url


def shown_url(url: str) -> str:
    """A URL for logs and messages: without the user and the password that it may hold."""
    return _BEFORE_HOST.sub(r"\g<scheme>", url)


def _is_whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and url.split() == [url]
