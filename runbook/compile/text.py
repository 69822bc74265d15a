"""A compile as text for people: what will be set, where it stands, what is asked, what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.compile.compared import Oracle
from runbook.compile.promised import Promise
from runbook.compile.result import Bounds, Compiled, Diagnostic, Input, Line, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, ReferenceValue, Value
from runbook.tutorial.includes import gathered


def render(compiled: Compiled) -> str:
    """Write the whole compile as lines of plain text, in the order of the tutorial."""
    return "\n".join(_lines(compiled)).rstrip() + "\n"


def _lines(compiled: Compiled) -> Iterator[str]:
    counts = compiled.counts
    yield compiled.tutorial.title
    if compiled.tutorial.path:
        yield f"from {compiled.tutorial.path}"
    yield (
        f"{counts['sections']} sections, {counts['numbered_steps']} numbered steps, "
        f"{counts['list_items']} list items, {len(compiled.resources)} resources"
    )
    if compiled.generation:
        first, last = compiled.generation
        yield f"its portals had these names from {first} to {last}, as far as is known"
    yield ""
    for section in compiled.tutorial.sections:
        yield from _section(compiled, section.id, section.heading or "(no heading)")
    yield from _block("Inputs", [_input(item) for item in compiled.inputs])
    references = [f"{r.name}: {r.select}  [{_where(r.lines)}]" for r in compiled.references]
    yield from _block("References", references)
    yield from _block("Order", [f"{first} before {then}" for first, then in compiled.order])
    manual = [f"[{_where(m.lines)}] {m.text}" for m in compiled.manual]
    yield from _block("Promises", [_promise(item) for item in compiled.promises])
    yield from _block("Left to a person", manual)
    yield from _block("PowerShell beside the steps", _oracle(compiled.oracle) if compiled.oracle else ())
    yield from _diagnostics(compiled.diagnostics)
    yield _ledger(compiled)


def _section(compiled: Compiled, section: str, heading: str) -> Iterator[str]:
    yield heading
    drafts = [draft for draft in compiled.resources if draft.section == section]
    if not drafts:
        yield "  sets nothing"
    for draft in drafts:
        yield from _draft(draft)
    yield ""


def _draft(draft: ResourceDraft) -> Iterator[str]:
    name = f"for each of {draft.for_each}" if draft.for_each else f"{draft.identity!r}"
    gate = f"  (only with the decision {draft.optional})" if draft.optional else ""
    yield f"  {draft.action} {draft.type} {name}{gate}"
    width = max((len(setting.parameter) for setting in draft.settings), default=0)
    for setting in draft.settings:
        sign = {"set": "=", "add": "+=", "remove": "-="}[setting.op]
        where = f"{_where(setting.lines)}{_doubt(setting)}"
        yield f"    {setting.parameter:<{width}} {sign} {_value(setting.value)}  [{where}]"
        if setting.alternative:
            other = setting.alternative
            yield f"      or {_value(other.value)} with the decision {other.decision}"
        if setting.assumption:
            yield f"      assumed: {setting.assumption}"
    if draft.untouched:
        yield f"    left as it is: {', '.join(draft.untouched)}"
    for reason in draft.blocked_by:
        yield f"    BLOCKED: {reason}"


def _doubt(setting: Setting) -> str:
    return "" if setting.certainty == "exact label" else f"; {setting.certainty}"


def _value(value: Value) -> str:
    if isinstance(value, InputValue):
        return f"input {value.name}"
    if isinstance(value, ReferenceValue):
        return f"list {value.name}"
    if isinstance(value, ComputedValue):
        return f"read from {value.source}"
    if isinstance(value, AdvisedValue):
        return f"{_value(value.as_written)} as written, {_value(value.advised)} advised ({', '.join(value.decisions)})"
    if isinstance(value, tuple):
        return "[" + ", ".join(repr(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _input(item: Input) -> str:
    text = f"{item.name}: {item.kind.replace('_', ' ')}"
    if isinstance(item.domain, Bounds):
        text += f", {item.domain.low} to {item.domain.high}"
    elif item.domain:
        text += f", one of {', '.join(item.domain)}"
    if item.recommended:
        text += f", recommended {item.recommended.low} to {item.recommended.high}"
    return f"{text}  [{_where(item.lines)}]"


def _promise(item: Promise) -> str:
    text = f"{item.disposition or 'mail, not said whose,'} to {item.destination}"
    if item.via and item.via.scl is not None:
        text += f", by SCL {item.via.scl}"
    if item.via and item.via.verdict:
        text += f", as {item.via.verdict}"
    return f"{text}  [{_where((item.line,))}, {item.source}]"


def _oracle(oracle: Oracle) -> list[str]:
    """Word the comparison; what differs stands among the diagnostics."""
    calls = f"{oracle.calls} call{'' if oracle.calls == 1 else 's'} read, {oracle.compared} compared"
    values = f"{oracle.agreeing} agree, {oracle.differing} differ, {oracle.one_sided} in one half only"
    counts = f"{calls}; of their values {values}, {oracle.left_open} left open"
    return [counts, *(f"not compared: {row.text}  [{_where((row.line,))}; {row.why}]" for row in oracle.unread)]


def _diagnostics(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for severity in ("blocks", "asks", "tells"):
        rows: list[str] = []
        for item in diagnostics:
            if item.severity == severity:
                rows.append(f"[{_where(item.lines)}] {item.code}: {item.message}")
                if item.suggestion:
                    rows.append(f"    suggested: {item.suggestion} ({item.source})")
        yield from _block({"blocks": "Blocks", "asks": "Asks", "tells": "Tells"}[severity], rows)


def _block(title: str, rows: Sequence[str]) -> Iterator[str]:
    if rows:
        yield title
        yield from (f"  {row}" for row in rows)
        yield ""


def _where(lines: Sequence[Line]) -> str:
    """Name lines the way people do: `line 5`, `lines 5, 7`, `lines 5-9`."""
    if not lines:
        return "whole text"
    numbers = [line for line in lines if isinstance(line, int)]
    if len(numbers) < len(lines):  # lines of included files name themselves
        return "; ".join([*([_where(numbers)] if numbers else []), *gathered(lines)])
    if len(lines) == 1:
        return f"line {lines[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(lines) > 2:
        return f"lines {lines[0]}-{lines[-1]}"
    return "lines " + ", ".join(str(line) for line in lines)


def _ledger(compiled: Compiled) -> str:
    ledger = compiled.ledger
    parts = ", ".join(f"{count} {name}" for name, count in ledger["classes"].items())
    closed = "closed" if ledger["closed"] else "NOT CLOSED: this is a fault in the kit"
    taken = len(compiled.tutorial.files) - 1
    included = f", with {taken} included file{'s' if taken > 1 else ''}" if taken > 0 else ""
    return f"Ledger: {parts}; {ledger['lines']} lines{included}, {closed}"
