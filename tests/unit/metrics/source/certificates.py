"""Certificates as an admin makes them, with the openssl command: an authority, servers and clients."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


@dataclass(frozen=True, slots=True)
class Pair:
    """Paths of a certificate and of its private key, both in PEM."""

    certificate: Path
    key: Path

    def serving(self, authority: Authority | None = None) -> ssl.SSLContext:
        """What a server needs that shows this pair; with an authority, clients must show a pair of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.pair.certificate)
        return context


class Authority:
    """A CA that lives in a directory of a test's own."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
        usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        _request(self.pair, name, *usage)

    @property
    def certificate(self) -> bytes:
        """The CA's own certificate in PEM."""
        return self.pair.certificate.read_bytes()

    def issue(self, name: str, *names: str) -> Pair:
        """A certificate for a server with these subjectAltNames, such as `DNS:prometheus.example`, or for a client."""
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        signed = ("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key))
        usage = ("-addext", "basicConstraints=critical,CA:FALSE")
        also = ("-addext", f"subjectAltName={','.join(names)}") if names else ()
        _request(pair, name, *signed, *usage, *also)
        return pair

    def issue_expired(self, name: str, *names: str) -> Pair:
        """The same for a server, of which the last day was yesterday."""
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        _request(pair, name)  # by itself, as nothing else is signed anew
        extensions = self._directory / f"{name}.extensions"
        extensions.write_text(f"basicConstraints=critical,CA:FALSE\nsubjectAltName={','.join(names)}\n")
        signed = ("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key), "-set_serial", "1")
        path = str(pair.certificate)
        command = ["openssl", "x509", "-in", path, "-days", "-1", "-clrext", "-extfile", str(extensions)]
        subprocess.run([*command, *signed, "-out", path], check=True, capture_output=True)
        return pair


def encrypted(key: Path, password: str) -> bytes:
    """A private key that needs a password."""
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", f"pass:{password}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _request(pair: Pair, name: str, *options: str) -> None:
    paths = ("-keyout", str(pair.key), "-out", str(pair.certificate))
    command = ["openssl", "req", "-x509", *NEW_KEY, "-nodes", "-days", "2", "-subj", f"/CN={name}", *paths, *options]
    subprocess.run(command, check=True, capture_output=True)
