"""Play the hand-written transcripts in tests/cases/wire against the client, one by one."""

from __future__ import annotations

import pytest
from wire import client_stage, made_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return made_certificate.make(tmp_path_factory.mktemp("certificate") / "app.pem", begin=client_stage.START - 86400)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in client_stage.cases()])
def test_transcript(case, certificate):
    assert list(client_stage.departures(case, certificate)) == []


def test_a_person_signs_in_once_for_many_runs(tmp_path):
    """The second run asks nobody: it finds the sign-in in the file that the first one left."""
    path = tmp_path / "kept.json"
    first = next(case for name, case in client_stage.cases() if "Graph needs no second code" in name)
    played, stage, known, _ = client_stage.play(first, token_cache=path)
    assert (played.error, stage.departures, len(played.prompts)) == (None, [], 1)
    addresses, *_, domain = first["wire"]
    second = first | {"without": ["prompt"], "wire": [addresses, domain], "calls": first["calls"][1:]}
    played, stage, _, _ = client_stage.play(second, known=known, token_cache=path)
    assert (played.error, stage.departures, stage.script) == (None, [], [])
    assert played.result == {"id": "example.com"}
    played, stage, _, _ = client_stage.play(second | {"wire": []}, token_cache=path)
    assert type(played.error).__name__ == "TenantMismatchError"
