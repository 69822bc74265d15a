"""Look for credentials in everything that a run left behind or showed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

SHORTEST = 12


def forms(canary: str) -> set[bytes]:
    """Give the spellings in which a credential counts as shown: whole, its halves, for an address, in base64."""
    found = {canary, quote(canary, safe=""), canary.replace("\n", "\\n")}
    # Of a token, the header says nothing that is secret; what follows does.
    body = canary.partition(".")[2] if canary.startswith("eyJ") else canary
    half = len(body) // 2
    if half > SHORTEST:
        found |= {body[:half], body[half:], body[:half][-2 * SHORTEST :], body[half:][: 2 * SHORTEST], body[-16:]}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b" " * shift + body.encode()).decode().rstrip("=")[4 if shift else 0 : -2]
            found |= {text, text[: 2 * SHORTEST], text[-2 * SHORTEST :]}
    return {text.encode() for text in found if len(text) >= SHORTEST}


def artefacts(folders: Iterable[Path], shown: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give every file below the folders, and what was shown, by name."""
    found = dict(shown)
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                found[f"{folder.name}/{path.relative_to(folder)}"] = path.read_bytes()
    return found


def leaks(canaries: Iterable[str], where: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Give the name of each artefact that shows a credential, with the place around it blotted out to its ends."""
    found = []
    for canary in canaries:
        for form in forms(canary):
            found += [(name, f"{form[:3]!r}… of {len(canary)}") for name, content in where.items() if form in content]
    return sorted(set(found))
