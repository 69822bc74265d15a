"""Hold rules against the pages that say what the verdict's header is called and what it carries.

As written first: a correction is put beside the value, with the decision that takes it, and never in its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from runbook.compile.findings import Findings, holds_list
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, Alternative
from runbook.lexicon import Lexicon
from runbook.lexicon.model import Disposition, PromisesFile

_BETWEEN = re.compile(r"[\s,;/|]+")
Words = tuple[str, ...]


def consult(drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> list[ResourceDraft]:
    """Note where rules and reference pages differ; give the drafts with the corrections that decisions can take."""
    table = lexicon.promises
    found: list[ResourceDraft] = []
    first: Setting | None = None
    for draft in drafts:
        header = draft.setting(table.header.parameter) if draft.type == table.rule else None
        if draft.type == table.rule:
            draft = _Rule(draft, lexicon, findings).consulted()
        first = _one_header(first, header, table, findings) if header else first
        found.append(draft)
    return found


def _one_header(first: Setting | None, header: Setting, table: PromisesFile, findings: Findings) -> Setting | None:
    """Note a rule that reads the verdict from another header than the first rule of the text does."""
    name = str(header.value)
    if not re.fullmatch(table.header.resembles, name, re.IGNORECASE):
        return first
    if first and str(first.value).casefold() != name.casefold():
        findings.note(
            "document-inconsistent", header.lines,
            f"This rule reads {name}; the rule of line {first.lines[0]} reads {first.value}.",
        )  # fmt: skip
    return first or header


@dataclass(slots=True)
class _Rule:
    """One rule, its words and its header, and what is said of them."""

    draft: ResourceDraft
    lexicon: Lexicon
    findings: Findings

    @property
    def table(self) -> PromisesFile:
        return self.lexicon.promises

    def consulted(self) -> ResourceDraft:
        table, draft = self.table, self.draft
        words, header = draft.setting(table.header_words), draft.setting(table.header.parameter)
        changed: dict[str, Setting] = {}
        if words:
            words = changed[words.parameter] = self._corrected(words)
        if header and words:
            changed[header.parameter] = self._header(header, words)
        level = draft.setting(table.level)
        if level and level.value in table.unstamped.levels:
            self.findings.note(
                "contradicts-reference", level.lines, f"SCL {level.value}: {table.unstamped.message}",
                source=table.unstamped.source,
            )  # fmt: skip
        return replace(draft, settings=tuple(changed.get(item.parameter, item) for item in draft.settings))

    # Words

    def _corrected(self, setting: Setting) -> Setting:
        """Add the corrections that the words need: taken apart, and called as the header calls them."""
        value = setting.value
        written = value.as_written if isinstance(value, AdvisedValue) else value
        if not isinstance(written, tuple):
            return setting
        apart = self._apart(written, value.advised if isinstance(value, AdvisedValue) else written)
        label = self.lexicon.label_of(self.draft.type, setting.parameter)
        decisions: list[str] = []
        if apart != written:
            decisions.append((label.decision if label else None) or "")
            if not isinstance(value, AdvisedValue):
                holds_list(self.findings, label, setting.words, setting.lines)
        upper = {word.upper() for word in apart}
        wrong = [d for d in self.table.dispositions if d.decision and d.drop in upper and d.header not in upper]
        for disposition in wrong:
            decisions.append(disposition.decision or "")
            self._mismatch(disposition, setting)
        if not decisions:
            return setting

        def reading(taken: Words) -> Words:
            phrases = apart if apart != written and decisions[0] in taken else written
            return self._called(phrases, [disposition for disposition in wrong if disposition.decision in taken])

        some = [subset for size in range(1, len(decisions)) for subset in combinations(decisions, size)]
        advised = AdvisedValue(
            as_written=written, advised=reading(tuple(decisions)), decisions=tuple(decisions),
            between=tuple((subset, reading(subset)) for subset in some),
        )  # fmt: skip
        return replace(setting, value=advised)

    def _apart(self, written: Words, split: object) -> Words:
        """Take literals apart that hold several verdicts, whatever stands between them."""
        found: list[str] = []
        for phrase in split if isinstance(split, tuple) else written:
            found += _BETWEEN.split(phrase) if self._only_verdicts(phrase) else [phrase]
        return tuple(found)

    def _only_verdicts(self, phrase: str) -> bool:
        names = {name for disposition in self.table.dispositions for name in (disposition.header, disposition.drop)}
        return all(piece.upper() in names for piece in _BETWEEN.split(phrase))

    def _called(self, phrases: Words, wrong: Sequence[Disposition]) -> Words:
        for disposition in wrong:
            name = re.compile(rf"\b{re.escape(disposition.drop)}\b", re.IGNORECASE)
            phrases = tuple(
                name.sub(disposition.header or disposition.drop, phrase) if self._only_verdicts(phrase) else phrase
                for phrase in phrases
            )
        return phrases

    def _mismatch(self, disposition: Disposition, setting: Setting) -> None:
        self.findings.note(
            "header-token-mismatch", setting.lines, source=disposition.source, decision=disposition.decision,
            message=f"The rule looks for {disposition.drop}; the header carries {disposition.header} instead.",
            suggestion=f"Look for {disposition.header}: take the decision {disposition.decision}.",
        )  # fmt: skip

    # The header

    def _header(self, header: Setting, words: Setting) -> Setting:
        """Note what the pages say of the header's name and, if it is the verdict's, of the words looked for."""
        table, name = self.table.header, str(header.value)
        if name.casefold() in table.known:
            self._about_words(words)
            self._about_sender(header)
        elif not re.fullmatch(table.resembles, name, re.IGNORECASE) or not self._verdicts(words):
            return header
        if name.casefold() == table.name.casefold():
            return header
        former = table.known.get(name.casefold())
        said = former.message if former else "No page names this header, so no message would carry it."
        self.findings.note(
            "contradicts-reference", header.lines, f"{name}: {said}", severity="tells" if former else "asks",
            suggestion=f"Look for {table.name}: take the decision {table.decision}.", source=table.source,
            decision=table.decision,
        )  # fmt: skip
        return replace(header, alternative=Alternative(value=table.name, decision=table.decision, asked=former is None))

    def _verdicts(self, words: Setting) -> Words:
        value = words.value.advised if isinstance(words.value, AdvisedValue) else words.value
        found = tuple(word.upper() for word in value) if isinstance(value, tuple) else ()
        return tuple(word for word in found if any(word in (d.header, d.drop) for d in self.table.dispositions))

    def _about_words(self, words: Setting) -> None:
        value = words.value.advised if isinstance(words.value, AdvisedValue) else words.value
        looked_for = {word.upper(): word for word in value} if isinstance(value, tuple) else {}
        for word in [word for word in looked_for if word not in self._verdicts(words)]:
            named = ", ".join(disposition.header for disposition in self.table.dispositions if disposition.header)
            source = next(item.source for item in self.table.dispositions if item.source)
            self.findings.note(
                "contradicts-reference", words.lines, source=source,
                message=f"The header never carries {looked_for[word]!r}; the page on dispositions has {named}.",
            )  # fmt: skip
        for disposition in self.table.dispositions:
            if disposition.doubt and disposition.header in looked_for:
                self.findings.note(
                    "contradicts-reference", words.lines, f"{disposition.header}: {disposition.doubt.message}",
                    source=disposition.doubt.source,
                )  # fmt: skip

    def _about_sender(self, header: Setting) -> None:
        table = self.table.header
        if self.draft.setting(table.restricted_by) is None:
            self.findings.note(
                "spoofable-condition", header.lines, table.forged.message, severity="tells", source=table.forged.source
            )
