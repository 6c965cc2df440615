"""Signatures of statements by a key of one's own, and their check by a public key: Ed25519, or ECDSA over P-256.

The package `cryptography` is an extra of this project (`pip install '.[sign]'`): only these two commands need it, and
`openssl` does the same.
"""

from __future__ import annotations

import hashlib
import importlib
from typing import TYPE_CHECKING

from earlystop.cli.failure import CommandFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

MISSING = (
    "Keys need the package cryptography, which is not installed. Install it by pip install '.[sign]', or sign and "
    "check by openssl: operator/docs/record.md."
)
KINDS = "write an Ed25519 key, or an ECDSA key over P-256, in PEM"


def sign(key: bytes, message: bytes, where: str) -> tuple[bytes, str]:
    """The signature over a message, and the key's id. key: a private key in PEM. where: it is from.

    Raises CommandFailure for what is no such key, and where the package is missing.
    """
    _needed()
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    try:
        private = serialization.load_pem_private_key(key, password=None)
    except TypeError:
        raise CommandFailure(f"The key in {where} is encrypted; decrypt it first, by openssl pkey -in FILE.") from None
    except Exception as error:
        raise CommandFailure(f"{where} holds no private key ({_first(error)}); {KINDS}.") from None
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(message), key_id(private.public_key())
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return private.sign(message, ec.ECDSA(hashes.SHA256())), key_id(private.public_key())
    raise CommandFailure(f"The key in {where} is of another kind; {KINDS}.")


def is_signed_by(key: bytes, signature: bytes, message: bytes, where: str) -> bool:
    """Whether a signature over a message is by a key. key: the public key in PEM. where: it is from.

    Raises CommandFailure as `sign`.
    """
    _needed()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    try:
        public = serialization.load_pem_public_key(key)
    except Exception as error:
        raise CommandFailure(f"{where} holds no public key ({_first(error)}); {KINDS}.") from None
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, message)
        elif isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
            public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            raise CommandFailure(f"The key in {where} is of another kind; {KINDS}.")
    except InvalidSignature:
        return False
    return True


def key_id(public: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) -> str:
    """The name of a key that follows from it: the digest of its public part."""
    from cryptography.hazmat.primitives import serialization

    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def _needed() -> None:
    try:
        importlib.import_module("cryptography")
    except ImportError:
        raise CommandFailure(MISSING) from None


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
