"""A verdict leaves the cluster as a statement that a key vouches for, and that anyone can check without the cluster."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.main import app
from earlystop.rollout.record.statement import PAYLOAD, statement_differences, statement_of, to_sign
from earlystop.rollout.verdict import digest_of, verdict_object
from tests.unit.cli.api_server import answering
from tests.unit.metrics.source.faulty_server import Handler
from tests.unit.rollout.asking import Campaign
from tests.unit.rollout.policies import UID
from tests.unit.rollout.record.chains import chain_of, resealed

Manifest = dict[str, Any]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "400"})
    return result.exit_code, result.output


def openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def verdict(tmp_path: Path) -> Path:
    path = tmp_path / "verdict.yaml"
    path.write_text(yaml.safe_dump(chain_of(1)[0]))
    return path


@pytest.fixture
def envelope(tmp_path: Path, verdict: Path) -> Path:
    """The verdict in an envelope that a key has signed, as the page tells people to do it."""
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", tmp_path / "key.pem")
    openssl("ec", "-in", tmp_path / "key.pem", "-pubout", "-out", tmp_path / "public.pem")
    assert run("statement", str(verdict), "--to-sign", str(tmp_path / "to-sign"))[0] == 0
    openssl("dgst", "-sha256", "-sign", tmp_path / "key.pem", "-out", tmp_path / "signature", tmp_path / "to-sign")
    code, output = run("statement", str(verdict), "--signature", str(tmp_path / "signature"), "--key-id", "team-key")
    assert code == 0, output
    path = tmp_path / "envelope.json"
    path.write_text(output)
    return path


def test_a_signed_statement_is_checked_without_a_cluster(tmp_path: Path, envelope: Path) -> None:
    code, output = run("verify", "--statement", str(envelope), "--extract", str(tmp_path))
    assert code == 0 and "follows from the looks in it" in output and "team-key" in output
    check = ("dgst", "-sha256", "-verify", tmp_path / "public.pem", "-signature", tmp_path / "signature-1")
    assert "Verified OK" in openssl(*check, tmp_path / "signed")
    (tmp_path / "signed").write_bytes((tmp_path / "signed").read_bytes().replace(b"Promote", b"Degrade", 1))
    assert "Verified OK" not in openssl(*check, tmp_path / "signed")


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "ascii"])
def test_a_statement_is_printed_in_the_bytes_that_are_signed_whatever_letters_the_terminal_knows(
    tmp_path: Path, charset: str
) -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say("бен é 😀", approves=False)
    rejected = json.loads(json.dumps(verdict_object("qa", "llm", UID, campaign.answered()[0])))
    (tmp_path / "verdict.json").write_text(json.dumps(rejected))
    arguments = ["statement", str(tmp_path / "verdict.json"), "--to-sign", str(tmp_path / "to-sign")]
    result = CliRunner(charset=charset).invoke(app, arguments)
    payload = result.stdout_bytes.removesuffix(b"\n")
    assert to_sign(payload) == (tmp_path / "to-sign").read_bytes()
    assert "Rejected by user бен é 😀" in payload.decode() and statement_differences(payload) == []


def test_what_is_signed_is_the_pre_authentication_encoding_and_always_the_same(verdict: Path) -> None:
    manifest = yaml.safe_load(verdict.read_text())
    payload = statement_of(manifest)
    assert payload == statement_of(json.loads(json.dumps(manifest)))
    assert to_sign(payload) == f"DSSEv1 {len(PAYLOAD)} {PAYLOAD} {len(payload)} ".encode() + payload
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert f"sha256:{statement['subject'][0]['digest']['sha256']}" == manifest["spec"]["digest"]
    assert statement_differences(payload) == []


def rewrapped(envelope: Path, **changes: Any) -> str:
    """An envelope around a statement whose record was changed, and its digest made anew."""
    found = json.loads(envelope.read_text())
    statement = json.loads(base64.b64decode(found["payload"]))
    statement["predicate"].update(changes)
    found["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(found)


def test_a_statement_that_tells_another_story_than_its_record_is_found(envelope: Path) -> None:
    record = json.loads(base64.b64decode(json.loads(envelope.read_text())["payload"]))["predicate"]["record"]
    forged = resealed({"spec": record}, candidate="other")["spec"]
    for changes, words in (
        ({"effect": "+9 points"}, "is not what the record says"),
        ({"verdict": "other"}, "The subject of the statement"),
        ({"record": forged, "candidate": "other"}, "not those of the plan"),
        ({"engine": 1}, "is not what the record says"),
    ):
        other = envelope.with_name("other.json")
        other.write_text(rewrapped(envelope, **changes))
        code, output = run("verify", "--statement", str(other))
        assert code == 1 and words in output, output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"payloadType": "text/plain"}, "payloadType"),
        ({"signatures": []}, "no signature"),
        ({"signatures": [{"sig": ""}]}, "is empty"),
        ({"signatures": [{"keyid": "x"}]}, "not in base64"),
        ({"payload": "not base64!"}, "not in base64"),
        ({"payload": base64.b64encode(b"{}").decode()}, "no statement about a verdict"),
        ({"payload": base64.b64encode(b"\xff").decode()}, "no"),
    ],
)
def test_what_is_no_envelope_is_refused_in_a_sentence(envelope: Path, change: Manifest, words: str) -> None:
    other = envelope.with_name("other.json")
    other.write_text(json.dumps({**json.loads(envelope.read_text()), **change}))
    code, output = run("verify", "--statement", str(other))
    assert code == 1 and "is no envelope of a statement about a verdict" in output and words in output, output


def test_a_changed_verdict_is_not_exported(tmp_path: Path, verdict: Path) -> None:
    manifest = yaml.safe_load(verdict.read_text())
    manifest["spec"]["decision"] = "RollBack"
    verdict.write_text(yaml.safe_dump(manifest))
    code, output = run("statement", str(verdict))
    assert code == 1 and "was changed after it was made" in output
    code, output = run("statement", str(verdict), "--signature", str(tmp_path / "missing"))
    assert code == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("message", "It is great.", "The message is not the sentence"),
        ("effect", "+9.9 [+9.0, +9.9]", "it does not follow from its looks: "),
        ("revision", "0123456789", "it does not follow from its looks: "),
    ],
)
def test_nobody_signs_a_verdict_of_which_a_word_was_changed_and_the_digest_made_anew(
    field: str, value: str, said: str, tmp_path: Path, verdict: Path
) -> None:
    manifest = yaml.safe_load(verdict.read_text())
    manifest["spec"][field] = value
    manifest["spec"]["digest"] = digest_of(manifest["spec"])
    verdict.write_text(yaml.safe_dump(manifest))
    private, _ = keys(tmp_path, "p256")
    for options in ((), ("--sign-key", str(private)), ("--to-sign", str(tmp_path / "to-sign"))):
        code, output = run("statement", str(verdict), *options)
        assert code == 1 and "cannot be exported: it does not follow from its looks" in output and said in output
    assert not (tmp_path / "to-sign").exists()


def keys(folder: Path, kind: str) -> tuple[Path, Path]:
    """A private key and its public one, as openssl makes them."""
    made = folder / f"{kind}.pem", folder / f"{kind}-public.pem"
    algorithms: dict[str, list[str]] = {
        "ed25519": ["-algorithm", "ed25519"],
        "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    }
    openssl("genpkey", *algorithms[kind], "-out", made[0])
    openssl("pkey", "-in", made[0], "-pubout", "-out", made[1])
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_statement_that_the_command_signs_is_checked_by_the_public_key_alone(
    tmp_path: Path, verdict: Path, kind: str
) -> None:
    private, public = keys(tmp_path, kind)
    code, output = run("statement", str(verdict), "--sign-key", str(private))
    assert code == 0, output
    envelope = tmp_path / "signed.json"
    envelope.write_text(output)
    key_id = json.loads(output)["signatures"][0]["keyid"]
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(public), "-outform", "DER"], capture_output=True, check=True
    )
    assert key_id == "sha256:" + hashlib.sha256(der.stdout).hexdigest()
    code, output = run("verify", "--statement", str(envelope), "--key", str(public), "--extract", str(tmp_path))
    assert code == 0 and f"It is signed by the key in {public}." in output
    by_openssl = (
        ("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", tmp_path / "signed", "-sigfile")
        if kind == "ed25519"
        else ("dgst", "-sha256", "-verify", public, "-signature")
    )
    rest = () if kind == "ed25519" else (tmp_path / "signed",)
    assert "Verified" in openssl(*by_openssl, tmp_path / "signature-1", *rest)
    other = keys(tmp_path, "p256" if kind == "ed25519" else "ed25519")[1]
    code, output = run("verify", "--statement", str(envelope), "--key", str(other))
    assert code == 1 and "No signature of the envelope is by the key" in output and "is signed by" not in output


@pytest.mark.slow
def test_a_statement_is_checked_by_the_key_before_a_change_of_keys_and_by_the_one_after(
    tmp_path: Path, verdict: Path
) -> None:
    made = {kind: keys(tmp_path, kind) for kind in ("ed25519", "p256")}
    signed = [json.loads(run("statement", str(verdict), "--sign-key", str(own))[1]) for own, _ in made.values()]
    assert signed[0]["payload"] == signed[1]["payload"]
    envelope = tmp_path / "by-both.json"
    both = [each["signatures"][0] for each in signed]
    for order in (both, both[::-1]):
        envelope.write_text(json.dumps({**signed[0], "signatures": order}))
        for _, public in made.values():
            assert run("verify", "--statement", str(envelope), "--key", str(public))[0] == 0
    swapped = [{**each, "keyid": other["keyid"]} for each, other in zip(both, both[::-1], strict=True)]
    envelope.write_text(json.dumps({**signed[0], "signatures": swapped[:1]}))
    assert run("verify", "--statement", str(envelope), "--key", str(made["p256"][1]))[0] == 1, "a keyid is only a hint"


def test_a_statement_that_was_changed_after_it_was_signed_is_found_by_its_key(tmp_path: Path, envelope: Path) -> None:
    assert run("verify", "--statement", str(envelope), "--key", str(tmp_path / "public.pem"))[0] == 0
    found = json.loads(envelope.read_text())
    statement = json.loads(base64.b64decode(found["payload"]))
    found["payload"] = base64.b64encode(json.dumps(statement, indent=1).encode()).decode()  # says the very same
    other = tmp_path / "other.json"
    other.write_text(json.dumps(found))
    code, output = run("verify", "--statement", str(other), "--key", str(tmp_path / "public.pem"))
    assert code == 1 and "No signature of the envelope is by the key" in output


def test_what_is_no_key_for_it_is_refused_in_a_sentence(tmp_path: Path, verdict: Path, envelope: Path) -> None:
    private, public = keys(tmp_path, "p384")
    locked = tmp_path / "locked.pem"
    openssl("pkey", "-in", tmp_path / "key.pem", "-aes256", "-passout", "pass:secret", "-out", locked)
    for key, words in (
        (private, "of another kind; write an Ed25519 key"),
        (verdict, "holds no private key"),
        (locked, "is encrypted; decrypt it first"),
        (tmp_path / "missing", "cannot be read"),
    ):
        code, output = run("statement", str(verdict), "--sign-key", str(key))
        assert code == 1 and words in output, output
    for key, words in ((public, "of another kind"), (verdict, "holds no public key")):
        code, output = run("verify", "--statement", str(envelope), "--key", str(key))
        assert code == 1 and words in output, output
    both = run("statement", str(verdict), "--sign-key", str(private), "--signature", str(private))
    assert both[0] == 2 and "an envelope gets one signature" in both[1]
    assert run("verify", "qa", "--key", str(public))[0] == 2


@pytest.mark.parametrize(("name", "words"), [("release", ""), ("release/other", "has no key other, but key.pem")])
def test_a_key_from_a_secret_signs_as_one_from_a_file(
    tmp_path: Path, verdict: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    private, public = keys(tmp_path, "ed25519")
    data = {"key.pem": base64.b64encode(private.read_bytes()).decode()}

    def answer(handler: Handler) -> None:
        handler.reply(200, json.dumps({"metadata": {"name": "release"}, "data": data}).encode())

    with answering(answer, tmp_path, monkeypatch):
        code, output = run("statement", str(verdict), "--key-secret", name, "-n", "llm")
    assert (code, words in output) == (1 if words else 0, True), output
    if not words:
        (tmp_path / "signed.json").write_text(output)
        assert run("verify", "--statement", str(tmp_path / "signed.json"), "--key", str(public))[0] == 0


def test_without_the_package_it_is_said_what_to_install(
    tmp_path: Path, verdict: Path, envelope: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    key = str(tmp_path / "key.pem")
    for arguments in (
        ("statement", str(verdict), "--sign-key", key),
        ("verify", "--statement", str(envelope), "--key", key),
    ):
        code, output = run(*arguments)
        assert code == 1 and "pip install '.[sign]'" in output and "openssl" in output
    assert run("statement", str(verdict))[0] == 0
