"""Hold the parts of a text against each other: titles, rules, what the vendor keeps, and lists of addresses."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.compile.findings import Findings
from runbook.compile.promise import Claim, claims, keeps, lines_of, names_of, words_of
from runbook.compile.promised import Promise
from runbook.compile.result import ResourceDraft
from runbook.lexicon import Lexicon
from runbook.lexicon.model import PromisesFile


def check_consistency(
    said: Sequence[Promise], drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings
) -> None:
    """Note what one part of the text says against another."""
    table = lexicon.promises
    promises = claims(said, table)
    # What words and a flow chart say against each other is told where the chart is read.
    _two_places(claims([item for item in said if item.source != "flow chart"], table), findings)
    for draft in drafts:
        if draft.type == table.rule:
            _leads_elsewhere(draft, promises, table, findings)
            _sleeps(draft, drafts, promises, table, findings)
        if draft.type == table.drop.resource:
            _keeps_back(draft, promises, table, findings)
        _defeats(draft, drafts, lexicon, findings)


def _two_places(promises: Sequence[Claim], findings: Findings) -> None:
    """Note mail that is promised in more than one place."""
    told: dict[tuple[str, ...], list[Claim]] = {}
    for name in dict.fromkeys(claim.disposition.drop for claim in promises):
        of_it = [claim for claim in promises if claim.disposition.drop == name]
        places = tuple(dict.fromkeys(claim.destination.name for claim in of_it))
        if len(places) > 1:
            told.setdefault(places, []).extend(of_it)
    for places, of_them in told.items():
        findings.note(
            "document-inconsistent", lines_of(sorted(of_them, key=_at)), severity="asks",
            message=f"The text promises {names_of(of_them)} in more than one place: {', '.join(places)}.",
        )  # fmt: skip


def _at(claim: Claim) -> int:
    """Order by line; while a text is being compiled, lines are numbers."""
    return int(claim.line)


def _leads_elsewhere(draft: ResourceDraft, promises: Sequence[Claim], table: PromisesFile, findings: Findings) -> None:
    """Note a rule that asks for another place than the text promises for the same mail."""
    words, level = words_of(draft.setting(table.header_words)), draft.setting(table.level)
    about = [promise for promise in promises if promise.disposition.header in words]
    if level is None or not isinstance(level.value, int):
        return
    places = [item for item in table.destinations if item.scl and item.scl[0] <= level.value <= item.scl[1]]
    kept = {promise.disposition.header for promise in about if keeps(draft, promise, table)}
    wrong = [promise for promise in about if promise.disposition.header not in kept]
    if wrong and places:
        names, promised = names_of(wrong), wrong[0].destination.name
        where = ", ".join(findings.at(line) for line in lines_of(wrong))
        findings.note(
            "document-inconsistent", level.lines, severity="asks",
            message=f"SCL {level.value} leads to {places[0].name}; {where} promises {names} in {promised}.",
        )  # fmt: skip


def _sleeps(
    draft: ResourceDraft, drafts: Sequence[ResourceDraft], promises: Sequence[Claim], table: PromisesFile,
    findings: Findings,
) -> None:  # fmt: skip
    """Note promises that only a rule keeps which nobody enables."""
    if draft.setting(table.enabled):
        return
    others = [other for other in drafts if other.type == table.rule and other.setting(table.enabled)]
    idle = [
        promise for promise in promises
        if keeps(draft, promise, table) and not any(keeps(other, promise, table) for other in others)
    ]  # fmt: skip
    if idle:
        names, place = names_of(idle), idle[0].destination.name
        findings.note(
            "promise-not-covered", lines_of(idle), about=f"{names} to {place}",
            message=f"{names} reach {place} only by the rule {draft.identity!r}, which is never enabled.",
        )  # fmt: skip


def _keeps_back(draft: ResourceDraft, promises: Sequence[Claim], table: PromisesFile, findings: Findings) -> None:
    """Note mail that the vendor keeps back although the text promises it further on."""
    setting = draft.setting(table.drop.parameter)
    lost = [p for p in promises if p.disposition.drop in words_of(setting) and not p.destination.dropped]
    for promise in lost if setting else ():
        assert setting is not None
        findings.note(
            "document-inconsistent", setting.lines, severity="asks",
            message=f"{promise.disposition.drop} is kept back here and never reaches {promise.destination.name}, "
                    f"where {findings.at(promise.line)} promises it.",
        )  # fmt: skip


def _defeats(draft: ResourceDraft, drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> None:
    """Note a list that makes rules idle, since their mail comes from the addresses on it."""
    restricted_by = lexicon.promises.header.restricted_by
    for setting in draft.settings:
        label = lexicon.label_of(draft.type, setting.parameter)
        if label is None or label.defeats is None or not setting.value or setting.op == "remove":
            continue
        defeats = label.defeats
        rules = [
            other for other in drafts
            if other.setting(defeats.parameter) and (ranges := other.setting(restricted_by))
            and ranges.value == setting.value
        ]  # fmt: skip
        for rule in rules:
            asked = rule.setting(defeats.parameter)
            assert asked is not None, "rules without it were left out; this is a fault in the kit"
            findings.note(
                defeats.code, setting.lines, severity="asks", source=label.source,
                message=f"{rule.identity!r} asks for SCL {asked.value} ({findings.at(asked.lines[0])}) on mail from "
                        f"the same addresses. {defeats.message}",
            )  # fmt: skip
