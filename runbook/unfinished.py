"""The result of a run that was killed: put together afterwards from its journal, its sections and its notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook import aftermath, journal, library, result
from runbook.errors import UsageError
from runbook.library import Document
from runbook.runs import RunFolder, write_json


def close_unfinished(folder: RunFolder) -> dict[str, Any]:
    """Write ``result.json`` of a run that left none, and return its content; its journal is left as it is.

    Nothing is claimed that the files do not say: a change that was begun and not answered is unknown, a section
    that was not verified is not. The plan of such a run cannot be approved. Raises UsageError when the run still
    lives, when the folder is not that of a run, or when its tutorial is no longer the same text.
    """
    name = folder.path.name
    if folder.is_held():
        raise UsageError(f"The run {name} has not ended.", "Wait for it, or stop it with Ctrl-C: it writes its record.")
    entries = aftermath.whole_entries(folder.journal)
    if not entries or entries[0]["event"] != "run-started":
        raise UsageError(f"{name} is not the folder of a run.", "See them with: runbook records list")
    begun = entries[0]["data"]
    document = library.load(begun["tutorial"])
    _same_text(document, begun, folder)
    facts = result.Facts(
        tenant=begun["tenant"],
        simulated=bool(begun.get("simulated")),
        mode=begun["mode"],
        interrupted=True,
        asked={},
        takes_back=Path(str(begun.get("takes_back", ""))).name,
        rest=bool(begun.get("rest", False)),
        fleet=begun.get("fleet", ""),
        only=frozenset(item["section"] for item in folder.sections()) if begun.get("alone") else frozenset(),
    )
    content = result.build(facts, document, folder)
    last = entries[-1]
    content |= {
        "finished": last["at"],  # the last sign of life
        "afterwards": journal.now(),
        "plan_hash": "",
        "journal": {"entries": last["n"] + 1, "head": last["hash"]},
    }
    write_json(folder.path / "result.json", content)
    for source in folder.path.glob("notebooks/*.source.ipynb"):
        source.unlink()  # what was about to be executed when the run was killed; the executed one lies beside it
    return content


def _same_text(document: Document, begun: Mapping[str, Any], folder: RunFolder) -> None:
    named = [begun.get("sha256"), *(item["tutorial"]["sha256"] for item in folder.sections())]
    if any(sha is not None and sha != document.compiled.tutorial.sha256 for sha in named):
        raise UsageError(
            f"The tutorial {begun['tutorial']} is not the text that {folder.path.name} ran with.",
            "Put the former text back to make the record. The journal and the sections' results can be read as they "
            "are.",
        )
