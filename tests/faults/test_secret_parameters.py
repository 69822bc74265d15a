"""A parameter that looks like a credential is refused before anything is made, by whichever way it came."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from conftest import Kit
from faults.scanning import artefacts, leaks

from runbook import library
from runbook.errors import InputError
from runbook.inputs import effective
from runbook.secretlike import kind_of_secret

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "faults" / "secret_parameters.yaml").read_text())
NOTEBOOK = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("01-*.ipynb"))[0]


def made(shape: str) -> str:
    def alnum(found: re.Match[str]) -> str:
        letters = random.choices(string.ascii_letters + string.digits, k=int(found[1]) - 3)
        return "aB3" + "".join(letters)

    return re.sub(r"\{alnum:(\d+)\}", alnum, shape)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_shape_is_known_wherever_it_stands(case: dict[str, Any]) -> None:
    secret = made(case["value"])
    for value in (secret, [secret], {"a": {"b": secret}}, {secret: 1}):
        assert case["kind"] in kind_of_secret(value), case["name"]
    for given, tenant in (({"forwarding_to": secret}, {}), ({}, {"domains": [secret]}), ({secret: "x"}, {})):
        with pytest.raises(InputError) as caught:
            effective(library.load().all_fields(), given, tenant)
        assert leaks([secret], {"message": str(caught.value).encode()}) == []


@pytest.mark.parametrize(
    "value",
    ["example.com", "a" * 64, "0123456789abcdef" * 4, "/a/b/C3-dddddddddddddddddddddddddddddddddddddd", "30", 30, True,
     ["a.example", "b.example"], "mail.protection.outlook.com", "UserNotifyUserRelease", "e" * 40, "12 hours", "",
     "20261125T181224Z-contoso-eu-apply-b0bdf2"],
)  # fmt: skip
def test_what_is_no_secret_is_not_taken_for_one(value: Any) -> None:
    assert kind_of_secret(value) == ""


def by_option(kit: Kit, secret: str) -> list[str]:
    return ["plan", "--tenant", "demo", "-p", f"forwarding_to={secret}"]


def without_name(kit: Kit, secret: str) -> list[str]:
    return ["plan", "--tenant", "demo", "-p", secret]


def as_approval(kit: Kit, secret: str) -> list[str]:
    return ["apply", "--tenant", "demo", "--approve", secret]


def as_tenant(kit: Kit, secret: str) -> list[str]:
    return ["verify", "--tenant", secret]


def by_file(kit: Kit, secret: str) -> list[str]:
    (kit.folder / "inputs.yaml").write_text(yaml.safe_dump({"forwarding_to": secret}))
    return ["plan", "--tenant", "demo", "-f", "inputs.yaml"]


def in_tenants_file(kit: Kit, secret: str, **fields: Any) -> list[str]:
    entry = {"simulated": {"state": str(kit.state)}, **(fields or {"inputs": {"forwarding_to": secret}})}
    (kit.folder / "tenants.yaml").write_text(yaml.safe_dump({"tenants": {"mine": entry}}))
    return ["plan", "--tenant", "mine"]


def as_domain(kit: Kit, secret: str) -> list[str]:
    return in_tenants_file(kit, secret, domains=[secret])


def as_client_id(kit: Kit, secret: str) -> list[str]:
    return in_tenants_file(kit, secret, client_id=secret)


@pytest.mark.parametrize(
    "way",
    [by_option, without_name, as_approval, as_tenant, by_file, in_tenants_file, as_domain, as_client_id],
)
def test_refused_without_a_trace(kit: Kit, way: Callable[[Kit, str], list[str]]) -> None:
    secret = made("aB38Q~{alnum:34}")
    done = kit(*way(kit, secret))
    assert done.returncode == 2
    assert leaks([secret], {"out": done.stdout.encode(), "said": done.stderr.encode()}) == []
    assert "looks like a client secret of Entra ID" in done.stderr
    assert not kit.runs.exists()


@pytest.mark.parametrize(("name", "value"), [("forwarding_to", "{alnum:40}"), ("client_secret", "plain")])
def test_under_our_engine_papermill_keeps_nothing_of_it(kit: Kit, name: str, value: str) -> None:
    secret = made(value) if "{" in value else "a-word-like-others"
    kit.runs.mkdir()
    out = kit.runs / "out.ipynb"
    words = ["-m", "papermill", str(NOTEBOOK), str(out), "--no-progress-bar", "--engine", "runbook", "-p", name, secret]
    done = kit.python(*words)
    assert done.returncode != 0
    notebook = nbformat.read(out, 4)
    assert notebook.metadata.papermill.parameters == {name: "[secret]"}
    assert leaks([secret], artefacts([kit.runs], {"said": (done.stdout + done.stderr).encode()})) == []
    assert "never a parameter" in out.read_text()
    assert kit.writes() == []


def test_under_papermills_own_engine_it_is_refused_but_already_written(kit: Kit) -> None:
    """Stated as it is: the file is on disk before any code of ours runs. The documentation says so."""
    secret = made("{alnum:40}")
    done = kit.python("-m", "papermill", str(NOTEBOOK), "out.ipynb", "--no-progress-bar", "-p", "forwarding_to", secret)
    assert done.returncode != 0
    text = (kit.folder / "out.ipynb").read_text()
    assert "looks like an API token of Cloudflare" in text
    assert secret in text, "papermill no longer writes parameters first: say so in the documentation"
    assert not kit.runs.exists()
