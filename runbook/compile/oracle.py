"""Hold a page's portal steps against its own PowerShell for the same change: two halves that must agree.

The PowerShell half never sets anything. It is read, compared value by value with what the steps were compiled
to, and where the two differ both lines are named. What has no counterpart among the steps is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.compile.agreement import Agreement, shown
from runbook.compile.compared import COUNTS, NotRead, Oracle
from runbook.compile.findings import Findings
from runbook.compile.powershell_text import CMDLET, LANGUAGES, Call, Parameter, Unread, Written, read_calls
from runbook.compile.result import Line, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, InputValue
from runbook.lexicon import Lexicon
from runbook.tutorial import Block, Step, Tutorial

NO_STEP = "no portal step of this text is about it"
VERBS = ("new", "set", "enable", "disable", "remove")
# Other cmdlets' names for a type, and the identity that tells it [MicrosoftDocs/office-docs-powershell,
# Set-QuarantinePolicy, Enable-OrganizationCustomization, Set-OrganizationConfig].
_ALSO: Mapping[str, tuple[str, str]] = {
    "quarantinepolicy": ("GlobalQuarantinePolicy", "defaultglobaltag"),
    "organizationcustomization": ("OrganizationConfig", ""),
}
# Only one of it is in a tenant, so a call names none [as above].
_ONLY_ONE = ("OrganizationConfig",)
# Types whose New- makes the object enabled unless it is told otherwise [MicrosoftDocs/office-docs-powershell,
# New-TransportRule, New-InboundConnector, New-OutboundConnector: Enabled is $true by default].
_MADE_ENABLED = ("TransportRule", "InboundConnector", "OutboundConnector")


def compare(tutorial: Tutorial, drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> Oracle | None:
    """Compare the text's PowerShell with the drafts; None if it has no PowerShell. Lines are places already."""
    blocks = list(_blocks(tutorial))
    return _Comparison(drafts, lexicon, findings).run(blocks) if blocks else None


def _blocks(tutorial: Tutorial) -> Iterator[tuple[int, list[str]]]:
    """Yield first line and lines of each code block that is PowerShell, by its fence or by what it calls."""
    found = [*tutorial.preamble]
    for section in tutorial.sections:
        for item in section.items:
            notes = [note for step in item.walk() for note in step.notes] if isinstance(item, Step) else [item]
            found += notes
    for block in sorted(found, key=lambda item: item.first):
        if block.kind == "code":
            language, lines, first = _inside(block)
            calls = any(CMDLET.match(line.strip()) for line in lines) if not language else False
            if calls or LANGUAGES.fullmatch(language):
                yield first, lines


def _inside(block: Block) -> tuple[str, list[str], int]:
    rows = block.text.split("\n")
    fence = re.match(r"\s*(?:[-*+]|\d+[.)])?\s*(?P<marks>`{3,}|~{3,})\s*(?P<language>[\w-]*)", rows[0])
    if fence is None:
        return "", rows, block.first
    closed = len(rows) > 1 and rows[-1].strip().startswith(fence["marks"])
    return fence["language"], rows[1:-1] if closed else rows[1:], block.first + 1


@dataclass(slots=True)
class _Object:
    """All drafts of one object, and the calls that are about it."""

    drafts: list[ResourceDraft]
    calls: list[Call] = field(default_factory=list)

    @property
    def first(self) -> ResourceDraft:
        return self.drafts[0]

    def settings(self) -> dict[str, Setting]:
        return {item.parameter.casefold(): item for draft in self.drafts for item in draft.settings}


@dataclass(slots=True)
class _Comparison:
    drafts: Sequence[ResourceDraft]
    lexicon: Lexicon
    findings: Findings
    agreement: Agreement = field(init=False)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    unread: list[NotRead] = field(default_factory=list)
    nouns: set[str] = field(default_factory=set)
    """Types of which a call could not be read: what the steps say more may stand there."""

    def __post_init__(self) -> None:
        self.agreement = Agreement(lexicon=self.lexicon, inputs=self.findings.inputs)

    def run(self, blocks: Sequence[tuple[int, list[str]]]) -> Oracle:
        objects: dict[tuple[str, str], _Object] = {}
        for draft in self.drafts:
            key = (draft.type, (draft.identity or "").casefold())
            objects.setdefault(key, _Object([])).drafts.append(draft)
        for first, lines in blocks:
            for statement in read_calls(lines, first):
                self._take(statement, objects)
        for item in objects.values():
            if item.calls:
                self._object(item)
        return Oracle(**self.counts, unread=tuple(sorted(self.unread, key=_by_line)))

    def _take(self, statement: Call | Unread, objects: Mapping[tuple[str, str], _Object]) -> None:
        if isinstance(statement, Unread):
            self._leave(statement, statement.why)
            self.nouns |= {name for name in self._types() if f"-{name}".casefold() in statement.text.casefold()}
            return
        kind = self._type(statement)
        if kind is None or statement.verb.casefold() not in VERBS:
            changes = statement.verb.casefold() in VERBS
            self._leave(statement, "not of a kind that this kit knows" if changes else "it changes nothing")
            return
        self.counts["calls"] += 1
        found = _object_of(statement, kind, objects)
        if isinstance(found, str):
            self._leave(statement, found)
            self.findings.note(
                "unknown-step", (statement.line,), severity="tells",
                message=f"{statement.cmdlet} is compared with nothing, and nothing is made of it: {found}.",
            )  # fmt: skip
            return
        self.counts["compared"] += 1
        found.calls.append(statement)

    def _types(self) -> tuple[str, ...]:
        places = self.lexicon.places_file
        foreign = {console.id for console in places.consoles if console.platform != "microsoft"}
        return tuple({place.resource: None for place in places.places if not set(place.console) <= foreign})

    def _type(self, call: Call) -> str | None:
        """Give the type that a call is about, as the lexicon names it."""
        also = _ALSO.get(call.noun.casefold())
        of = next((item for item in call.parameters if item.name.casefold() == "quarantinepolicytype"), None)
        special = str(of.written[0].value if of else call.identity.value if call.identity else "").casefold()
        noun = also[0] if also and special in (also[1], also[0].casefold()) else call.noun
        return next((name for name in self._types() if name.casefold() == noun.casefold()), None)

    def _leave(self, statement: Call | Unread, why: str) -> None:
        self.unread.append(NotRead(line=self.findings.place(statement.line), text=statement.text, why=why))

    # One object

    def _object(self, item: _Object) -> None:
        settings, said = item.settings(), set[str]()
        more: dict[str, int] = {}
        switched = next((call for call in reversed(item.calls) if _switches(call)), None)
        for call in item.calls:
            if call.verb.casefold() == "remove" or item.first.action == "ensure-absent":
                self._removal(call, item.first)
                said |= set(settings)
                continue
            for parameter in _parameters(call, item.first.type, settings, self.lexicon.promises.enabled):
                setting = settings.get(parameter.name.casefold())
                if parameter.name.casefold() == "enabled" and switched not in (None, call):
                    continue  # a later call switches it
                if setting is None:
                    more.setdefault(parameter.name, parameter.line)
                else:
                    said.add(setting.parameter.casefold())
                    self._parameter(parameter, setting, call, item.first)
        silent = [setting for key, setting in settings.items() if key not in said]
        if item.first.type in self.nouns:
            silent = []
        self._one_sided(item, more, silent)

    def _removal(self, call: Call, draft: ResourceDraft) -> None:
        removes = call.verb.casefold() == "remove"
        if removes == (draft.action == "ensure-absent"):
            self.counts["agreeing"] += 1
            return
        self.counts["one_sided"] += 1
        lines = _lines(draft.opened_at, call.line)
        what = "removes what the steps make or change" if removes else "changes what the steps remove"
        self.findings.note(
            "contradicts-reference", lines,
            f"{call.cmdlet} in {self.findings.at(call.line)} {what} in {self.findings.at(draft.opened_at)}.",
        )  # fmt: skip

    def _parameter(self, parameter: Parameter, setting: Setting, call: Call, draft: ResourceDraft) -> None:
        for written in parameter.written:
            same_op = written.op == setting.op or (call.verb.casefold() == "new" and written.op == "set")
            other_op = len(parameter.written) > 1 and not same_op
            if other_op:  # the other key of the same hash table is the one to compare
                self.counts["one_sided"] += 1
                continue
            verdict = self.agreement.verdict(written, setting, draft.type)
            if verdict == "same" and not same_op:
                verdict = "different"
            self.counts[{"same": "agreeing", "different": "differing", "open": "left_open"}[verdict]] += 1
            if verdict == "different":
                self._differs(parameter, written, setting, draft)

    # What is said

    def _differs(self, parameter: Parameter, written: Written, setting: Setting, draft: ResourceDraft) -> None:
        at, value, hint = self.findings.at, setting.value, ""
        if isinstance(value, AdvisedValue):
            corrected = self.agreement.is_same(value.advised, written, setting, draft.type)
            hint = f" PowerShell has what the decision {', '.join(value.decisions)} gives." if corrected else ""
            value = value.as_written
        steps = (
            f"leave it to the input {value.name}" if isinstance(value, InputValue) else f"{setting.op} {shown(value)}"
        )
        self.findings.note(
            "contradicts-reference", _lines(setting.lines[0], parameter.line), severity="asks",
            about=f"{draft.key} {setting.parameter}",
            message=f"{setting.parameter}: the steps {steps} ({at(setting.lines[0])}), PowerShell "
                    f"{written.op}s {shown(written.value)} ({at(parameter.line)}).{hint}",
        )  # fmt: skip

    def _one_sided(self, item: _Object, more: Mapping[str, int], silent: Sequence[Setting]) -> None:
        at, call, draft = self.findings.at, item.calls[0], item.first
        self.counts["one_sided"] += len(more) + len(silent)
        sentences = []
        if more:
            named = ", ".join(f"{name} ({at(line)})" for name, line in more.items())
            sentences.append(f"PowerShell also sets {named}, of which the steps say nothing.")
        if silent:
            named = ", ".join(f"{setting.parameter} ({at(setting.lines[0])})" for setting in silent)
            sentences.append(f"The steps also set {named}, of which PowerShell says nothing.")
        if sentences:
            lines = _lines(*more.values(), *(setting.lines[0] for setting in silent), call.line)
            self.findings.note("contradicts-reference", lines, " ".join(sentences), about=draft.key)


def _object_of(call: Call, kind: str, objects: Mapping[tuple[str, str], _Object]) -> _Object | str:
    """Find what a call is about: by its identity, or as the only object of its type if a placeholder stands there.

    Gives the reason, as the end of a sentence, if there is no such object.
    """
    of_type = [item for (type_, _), item in objects.items() if type_ == kind]
    named = call.identity
    if named is not None and not named.open:
        return objects.get((kind, str(named.value).casefold())) or NO_STEP
    if named is None and kind not in _ONLY_ONE:
        return "it names no object"
    made = [item for item in of_type if any(draft.action == "create" for draft in item.drafts)]
    several = made if call.verb.casefold() == "new" else of_type
    if len(several) > 1:
        return "its name is left open, and several of the steps' objects could be meant"
    return several[0] if several else NO_STEP


def _parameters(call: Call, kind: str, settings: Mapping[str, Setting], enabled: str) -> list[Parameter]:
    """Give a call's parameters, with what its cmdlet does by its name alone."""
    verb, found = call.verb.casefold(), [item for item in call.parameters if item.name != "QuarantinePolicyType"]
    named = {item.name.casefold() for item in found}
    if call.noun.casefold() == "organizationcustomization":
        return [*found, _implied(call, "IsDehydrated", on=False)]
    if verb in ("enable", "disable"):
        return [*found, _implied(call, enabled, on=verb == "enable")]
    if verb == "new" and kind in _MADE_ENABLED and enabled.casefold() in settings and enabled.casefold() not in named:
        return [*found, _implied(call, enabled, on=True)]
    return found


def _switches(call: Call) -> bool:
    named = {item.name.casefold() for item in call.parameters}
    return call.verb.casefold() in ("enable", "disable") or "enabled" in named


def _implied(call: Call, name: str, *, on: bool) -> Parameter:
    return Parameter(name=name, written=(Written(value=on),), line=call.line)


def _lines(*lines: Line) -> tuple[Line, ...]:
    numbers = sorted({line for line in lines if isinstance(line, int)})
    return (*numbers, *(line for line in lines if not isinstance(line, int)))


def _by_line(row: NotRead) -> tuple[int, str]:
    return (row.line, "") if isinstance(row.line, int) else (0, row.line)
