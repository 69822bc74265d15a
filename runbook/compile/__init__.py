"""Give meaning to a tutorial: pure, from the text and the lexicon alone."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.compile.charted import charted_promises, check_contradictions
from runbook.compile.commanded import brought_forward, commanded
from runbook.compile.consistency import check_consistency
from runbook.compile.document import about_includes, about_the_text, alternatives_of
from runbook.compile.findings import Findings
from runbook.compile.guards import guard
from runbook.compile.leftover import leftovers, missing_parts
from runbook.compile.mentions import check_names
from runbook.compile.oracle import compare
from runbook.compile.placed import placed
from runbook.compile.promise import check_promises, promises_of
from runbook.compile.promised import Promise, PromiseSource, Via
from runbook.compile.prose import asked_in_prose
from runbook.compile.reference import consult
from runbook.compile.result import (
    Bounds,
    Compiled,
    Diagnostic,
    Input,
    ManualStep,
    Reading,
    Reference,
    ResourceDraft,
    Setting,
)
from runbook.compile.section import SectionReader
from runbook.compile.values import AdvisedValue, Alternative, ComputedValue, InputValue, ReferenceValue, Value
from runbook.lexicon import Lexicon
from runbook.tutorial import Tutorial

__all__ = [
    "AdvisedValue",
    "Alternative",
    "Bounds",
    "Compiled",
    "ComputedValue",
    "Diagnostic",
    "Input",
    "InputValue",
    "ManualStep",
    "Promise",
    "PromiseSource",
    "Reading",
    "Reference",
    "ReferenceValue",
    "ResourceDraft",
    "Setting",
    "Value",
    "Via",
    "compile_tutorial",
]


def compile_tutorial(tutorial: Tutorial, lexicon: Lexicon) -> Compiled:
    """Compile a tutorial into resources, inputs, references, manual steps and diagnostics.

    Guarantees: nothing is read from anywhere else; every list item has a reading; what is not understood is
    listed and blocks the resource it stands in; a choice or a condition in the text never sets anything.
    """
    findings = Findings(place=tutorial.place)
    about_the_text(tutorial, findings)
    drafts: list[ResourceDraft] = []
    alternatives = alternatives_of(tutorial, lexicon, findings)
    before = None
    for section in tutorial.sections:
        reader = SectionReader(
            section, lexicon, findings, alternative=section.id in alternatives, made=_made(drafts),
            lead=tutorial.preamble if section.level == 1 else (),
            before=before, foreign=lexicon.foreign_in([*(title.text for title in tutorial.titles), section.heading]),
        )  # fmt: skip
        changes = reader.read()
        before = reader.stand.route
        kept = (
            []
            if reader.foreign
            else guard(changes, drafts, section, lexicon, findings, missing_parts(reader, tutorial))
        )
        drafts += [draft for _, draft in kept]
        drafts += [] if reader.foreign else commanded(section, tutorial, lexicon, findings)
        leftovers(reader, kept, tutorial, lexicon, findings)
        asked_in_prose(section, lexicon, findings, sets_something=any(not draft.blocked_by for _, draft in kept))
    drafts = check_names(brought_forward(drafts, lexicon), lexicon, findings)
    drafts = consult(drafts, lexicon, findings)
    oracle = compare(tutorial, drafts, lexicon, findings)
    about_includes(tutorial, findings)
    table = lexicon.promises
    said = (*promises_of(tutorial, table), *charted_promises(tutorial, table, findings))
    promises = tuple(sorted(said, key=lambda promise: promise.line))
    check_contradictions(promises, table, findings)
    check_promises(promises, drafts, lexicon, findings)
    check_consistency(promises, drafts, lexicon, findings)
    ordered = sorted(
        enumerate(findings.diagnostics),
        key=lambda item: (item[1].lines[:1] or (len(tutorial.lines) + 1,), item[0]),
    )
    used = _names_used(drafts)
    return placed(Compiled(
        tutorial=tutorial, resources=tuple(drafts),
        inputs=tuple(item for name, item in findings.inputs.items() if name in used),
        references=tuple(item for name, item in findings.references.items() if name in used),
        order=_order(drafts, lexicon),
        manual=tuple(sorted(findings.manual, key=lambda step: step.lines)),
        diagnostics=tuple(item for _, item in ordered),
        readings=tuple(sorted(findings.readings, key=lambda reading: reading.first)),
        unmade=tuple(findings.unmade), generation=_generation(findings.years), promises=promises, oracle=oracle,
    ))  # fmt: skip


def _generation(years: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Give the years that all portals of a text have in common."""
    first, last = max((span[0] for span in years), default=1), min((span[1] for span in years), default=0)
    return (first, last) if first <= last else None


def _made(drafts: Sequence[ResourceDraft]) -> dict[str, set[str]]:
    """Give the names of what is made so far, by type."""
    found: dict[str, set[str]] = {}
    for draft in drafts:
        if draft.action == "create" and draft.identity:
            found.setdefault(draft.type, set()).add(draft.identity)
    return found


def _names_used(drafts: Sequence[ResourceDraft]) -> set[str]:
    values = [setting.value for draft in drafts for setting in draft.settings]
    used = {value.name for value in values if isinstance(value, (InputValue, ReferenceValue))}
    return used | {draft.for_each for draft in drafts if draft.for_each}


def _order(drafts: Sequence[ResourceDraft], lexicon: Lexicon) -> tuple[tuple[str, str], ...]:
    """Put a resource that others name before those that name it."""
    made = {draft.type for draft in drafts if draft.action == "create"}
    refers = {
        (table.place, row.parameter): row.refers
        for table in lexicon.labels_file.labels for row in table.rows if row.refers
    }  # fmt: skip
    places = {place.id: place.resource for place in lexicon.places_file.places}
    pairs = {
        (f"{target}:*", draft.key): None
        for draft in drafts for setting in draft.settings
        for (place, parameter), target in refers.items()
        if places[place] == draft.type and parameter == setting.parameter and target in made
    }  # fmt: skip
    return tuple(pairs)
