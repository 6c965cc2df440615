"""Certificates as files, which is how the HTTP library takes them: private, and gone when their connection is."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from earlystop.api.source import Tls
from earlystop.controller.counts.secrets import Credentials, SecretReader


class CertificateFiles:
    """Files with mode 0600 in a directory with mode 0700, for one client.

    authority: path of the CA's certificates, True for those that every client trusts. pair: paths of the client's own
    certificate and key. Raises MetricsFailure (SecretUnusable) when one of them cannot be read by OpenSSL.
    """

    def __init__(self, credentials: Credentials, tls: Tls | None, secrets: SecretReader) -> None:
        self.authority: str | bool = True
        self.pair: tuple[str, str] | None = None
        # Removed at the latest when the process ends.
        self._directory = tempfile.TemporaryDirectory(prefix="earlystop-tls-")
        try:
            if tls is not None and tls.ca_ref is not None:
                self.authority = self._write("authority.pem", credentials.authority)
                if not _is_authority(self.authority):
                    raise secrets.unusable(tls.ca_ref, "holds no certificate in PEM")
            if tls is not None and tls.certificate_ref is not None:
                self.pair = (
                    self._write("certificate.pem", credentials.certificate),
                    self._write("key.pem", credentials.key),
                )
                if not _is_pair(*self.pair):
                    what = "holds no certificate in PEM that fits the unencrypted private key of tls.keyRef"
                    raise secrets.unusable(tls.certificate_ref, what)
        except BaseException:
            self.close()
            raise

    def _write(self, name: str, content: bytes) -> str:
        path = Path(self._directory.name) / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        return str(path)

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()


def _is_authority(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _is_pair(certificate: str, key: str) -> bool:
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError):
        return False
    return True
