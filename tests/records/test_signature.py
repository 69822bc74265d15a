"""A signature fits one manifest and one key; the private key goes nowhere."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Kit
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from runbook import simulated
from runbook.archive import signature
from runbook.archive.check import Report, check
from runbook.archive.manifest import Manifest
from runbook.plan import digest
from runbook.runs import json_text

TEXT = ROOT / "tests" / "cases" / "tutorials" / "s36-enable-another-rule.md"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit with one signed run and two pairs of keys."""
    kit = Kit(tmp_path_factory.mktemp("signed"))
    simulated.reset(kit.state)
    for name in ("key.pem", "other.pem"):
        assert kit("records", "keygen", name).returncode == 0
    done = plan(kit, "key.pem")
    assert done.returncode == 3, done.stderr
    assert ", signed" in done.stderr
    return kit


def plan(kit: Kit, key: str) -> Any:
    return kit("plan", "--tenant", "demo", "--tutorial", str(TEXT), RUNBOOK_SIGNING_KEY=str(kit.folder / key))


@pytest.fixture
def folder(signed: Kit, tmp_path: Path) -> Path:
    copy = tmp_path / signed.newest("plan").name
    shutil.copytree(signed.newest("plan"), copy)
    return copy


def private(path: Path) -> Any:
    return load_pem_private_key(path.read_bytes(), password=None)


def said(report: Report) -> list[tuple[str, str]]:
    return [(item.path, item.what) for item in report.findings]


def test_a_good_signature_by_the_given_key(signed: Kit, folder: Path) -> None:
    key = signature.public_key(signed.folder / "key.pem.pub")
    report = check(folder, key=key)
    assert said(report) == []
    assert report.signature == "good"
    assert report.notes == [
        f"Signed: the files are as they were when the holder of the key {report.signed_by} signed them."
    ]


def test_a_signature_that_was_not_checked_is_said_to_be_so(folder: Path) -> None:
    report = check(folder)
    assert report.whole
    assert report.signature == "not checked"
    assert "was not checked" in report.notes[0]


def test_another_key_is_not_the_right_one(signed: Kit, folder: Path) -> None:
    report = check(folder, key=signature.public_key(signed.folder / "other.pem.pub"))
    assert [path for path, _ in said(report)] == ["manifest.sig"]
    assert "is by another key" in said(report)[0][1]
    assert report.signature == "bad"


def renewed(content: dict[str, Any]) -> Manifest:
    body = {k: v for k, v in content.items() if k != "digest"}
    return Manifest.model_validate({**body, "digest": digest(body)})


def unsign(folder: Path, kit: Kit) -> None:
    """Make an unsigned run of a signed one, as somebody who holds no key would."""
    (folder / "manifest.sig").unlink()
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json_text(renewed({**content, "signed_by": None}).model_dump()))


def remake(folder: Path, kit: Kit) -> None:
    """Change the manifest and give it a digest that fits, and leave the signature."""
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json_text(renewed({**content, "status": "unchanged"}).model_dump()))


def sign_by_other(folder: Path, kit: Kit) -> None:
    """Sign the unaltered manifest by a key that it does not name."""
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    made = signature.sign(private(kit.folder / "other.pem"), manifest.signed_bytes())
    (folder / "manifest.sig").write_text(json_text(made))


def edit(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Kit], None]:
    def done(folder: Path, kit: Kit) -> None:
        content = json.loads((folder / "manifest.sig").read_text())
        change(content)
        (folder / "manifest.sig").write_text(json_text(content))

    return done


def spare_bits(content: dict[str, Any]) -> None:
    """Another spelling of the same 64 bytes: base64 does not use the last four bits."""
    text = content["signature"]
    other = next(
        text[:-3] + char + "=="
        for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        if char != text[-3] and base64.b64decode(text[:-3] + char + "==") == base64.b64decode(text)
    )
    content["signature"] = other


# What was done, what is said without a key, what is said with the right key.
ALTERED: list[tuple[str, Callable[[Path, Kit], Any], str, str]] = [
    ("removed", lambda folder, kit: (folder / "manifest.sig").unlink(), "is missing: the manifest names", "is missing"),
    ("removed, manifest unsigned anew", unsign, "", "is missing: a signature was asked for"),
    ("manifest made anew", remake, "does not fit the manifest", "does not fit the manifest"),
    ("by a key that the manifest does not name", sign_by_other, "does not name", "does not name"),
    ("zeros", edit(lambda c: c.update(signature=base64.b64encode(bytes(64)).decode())), "does not fit", "does not fit"),
    ("short", edit(lambda c: c.update(signature="AAAA")), "does not fit", "does not fit"),
    ("no base64", edit(lambda c: c.update(signature="!")), "is no signature", "is no signature"),
    ("another spelling of the same bytes", edit(spare_bits), "was changed after", "was changed after"),
    ("another algorithm", edit(lambda c: c.update(algorithm="none")), "is no signature", "is no signature"),
    ("one entry more", edit(lambda c: c.update(more=1)), "is no signature", "is no signature"),
    ("another fingerprint", edit(lambda c: c.update(fingerprint="0" * 64)), "was changed after", "was changed after"),
    ("a key of 31 bytes", edit(lambda c: c.update(public_key=base64.b64encode(bytes(31)).decode())), "is no", "is no"),
    ("empty", lambda folder, kit: os.truncate(folder / "manifest.sig", 0), "is no signature", "is no signature"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "do", "without", "given"), ALTERED, ids=[row[0] for row in ALTERED])
def test_an_altered_or_missing_signature_fails(
    signed: Kit, folder: Path, name: str, do: Callable[[Path, Kit], Any], without: str, given: str
) -> None:
    do(folder, signed)
    for key, words in ((None, without), (signature.public_key(signed.folder / "key.pem.pub"), given)):
        report = check(folder, key=key)
        found = said(report)
        assert report.signature in ("bad", "none")
        assert len(found) == (1 if words else 0), found
        if words:
            assert found[0][0] == "manifest.sig" and words in found[0][1], found


def test_a_signature_of_another_run_does_not_fit(signed: Kit, folder: Path) -> None:
    assert plan(signed, "key.pem").returncode == 3
    shutil.copy(signed.newest("plan") / "manifest.sig", folder / "manifest.sig")
    assert [path for path, _ in said(check(folder))] == ["manifest.sig"]


def test_the_command_needs_the_signature_that_it_is_asked_for(signed: Kit) -> None:
    run = signed.newest("plan").name
    good = signed("records", "check", run, "--public-key", "key.pem.pub")
    assert good.returncode == 0, good.stdout
    assert "Signed: " in good.stdout
    assert signed("records", "check", run, "--public-key", "other.pem.pub").returncode == 1
    told = json.loads(signed("records", "check", run, "--json").stdout)[0]
    assert told["signature"]["state"] == "not checked"
    wrong = signed("records", "check", run, "--public-key", "key.pem")
    assert wrong.returncode == 2
    assert "holds a private key" in wrong.stderr


def test_the_private_key_is_in_no_artefact_and_no_output(signed: Kit) -> None:
    key = private(signed.folder / "key.pem")
    raw = key.private_bytes_raw()
    pem = (signed.folder / "key.pem").read_text().splitlines()[1]
    done = plan(signed, "key.pem")
    forms = [raw, raw.hex().encode(), base64.b64encode(raw), pem.encode(), b"PRIVATE KEY", b"key.pem"]
    for path in [path for path in signed.runs.rglob("*") if path.is_file()]:
        assert not [form for form in forms if form in path.read_bytes()], path
    assert not [form for form in forms if form in (done.stdout + done.stderr).encode()]


posix = pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")


@posix
def test_keygen_makes_a_pair_and_overwrites_nothing(kit: Kit) -> None:
    done = kit("records", "keygen", "new.pem")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((kit.folder / "new.pem").stat().st_mode) == 0o600
    key = signature.public_key(kit.folder / "new.pem.pub")
    assert signature.fingerprint(key) == signature.fingerprint(private(kit.folder / "new.pem").public_key())
    assert signature.fingerprint(key) in done.stdout
    before = (kit.folder / "new.pem").read_bytes()
    again = kit("records", "keygen", "new.pem")
    assert again.returncode == 2
    assert "is there already" in again.stderr
    (kit.folder / "new.pem.pub").unlink()
    assert kit("records", "keygen", "new.pem").returncode == 2
    assert (kit.folder / "new.pem").read_bytes() == before
    assert not (kit.folder / "new.pem.pub").exists()
    assert kit("records", "keygen", "nowhere/new.pem").returncode == 2


def encrypted(path: Path) -> None:
    key = private(path)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


def rsa(path: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


UNFIT: list[tuple[str, Callable[[Path], Any], str]] = [
    ("gone", lambda path: path.unlink(), "cannot be read"),
    ("a folder", lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    ("read by the group", lambda path: path.chmod(0o640), "can be read by others (mode 0640)"),
    ("read by all", lambda path: path.chmod(0o604), "can be read by others (mode 0604)"),
    ("locked by a passphrase", encrypted, "locked by a passphrase"),
    ("another sort of key", rsa, "no private Ed25519 key"),
    ("no key", lambda path: path.write_text("hunter2-in-the-open"), "no private Ed25519 key"),
    ("the public key", lambda path: path.write_bytes(path.with_name("key.pem.pub").read_bytes()), "no private Ed25519"),
]


@posix
@pytest.mark.parametrize(("name", "do", "words"), UNFIT, ids=[row[0] for row in UNFIT])
def test_a_key_that_cannot_be_used_is_said_before_anything_is_done(
    kit: Kit, name: str, do: Callable[[Path], Any], words: str
) -> None:
    signature.make_pair(kit.folder / "key.pem")
    do(kit.folder / "key.pem")
    done = plan(kit, "key.pem")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr and "hunter2" not in done.stderr
    assert not kit.runs.exists()
