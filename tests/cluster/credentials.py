"""Keys, tokens and kubeconfig files, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

# RFC 5915 ECPrivateKey on P-256 without the optional public key, which the reader computes from the secret.
_EC_KEY_HEAD = bytes.fromhex("30310201010420")
_EC_KEY_TAIL = bytes.fromhex("a00a06082a8648ce3d030107")


def write_signing_key(path: Path) -> Path:
    """A fresh P-256 private key in PEM: it signs service-account tokens (ES256)."""
    # Two bytes short of the curve's order, so that every value is a valid secret.
    secret = b"\0" + (1 + secrets.randbelow(2**248 - 1)).to_bytes(31, "big")
    text = base64.encodebytes(_EC_KEY_HEAD + secret + _EC_KEY_TAIL).decode()
    _write_private(path, f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n")
    return path


def write_token_file(path: Path, user: str, group: str) -> str:
    """A static token file for the API server with one user; returns the token."""
    token = secrets.token_hex(16)
    _write_private(path, f"{token},{user},{user},{group}\n")
    return token


def write_kubeconfig(path: Path, cluster: dict[str, Any], token: str, namespace: str = "default") -> Path:
    """A kubeconfig (JSON is YAML) with one context; `cluster` as in its `clusters` section: `server` and so on."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "earlystop",
        "contexts": [
            {
                "name": "earlystop",
                "context": {"cluster": "earlystop", "user": "earlystop", "namespace": namespace},
            }
        ],
        "clusters": [{"name": "earlystop", "cluster": cluster}],
        "users": [{"name": "earlystop", "user": {"token": token}}],
    }
    _write_private(path, json.dumps(content, indent=1))
    return path


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
