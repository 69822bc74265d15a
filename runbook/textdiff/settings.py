"""What changed between two texts in what they set, not in how they say it. Pure: two compiles in, the changes out.

A line that moved, a label that is worded otherwise, a section with another heading are no change. Two drafts are of
one object if type and name are the same, the name in any letter case, as the services compare them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runbook.compile.result import Compiled, ResourceDraft, Setting
from runbook.compile.values import plain_json
from runbook.textdiff.facts import Fact, diagnostics, inputs, manual, neutral, order, promises, references, sequence
from runbook.textdiff.renaming import Decisions, Names, Renamed, decisions, find_renames, folded, same_value, switches

Sort = Literal["added", "removed", "renamed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A parameter that only one text sets, or both to different values."""

    parameter: str
    before: Setting | None
    after: Setting | None
    follows: bool = False
    """Whether only the name of a renamed object changed in it."""

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; a side that does not set it has no entry."""
        sides = {name: _setting_json(item) for name, item in (("before", self.before), ("after", self.after)) if item}
        return {"parameter": self.parameter, **sides, **({"follows_rename": True} if self.follows else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One object that only one text has, or both and differently."""

    sort: Sort
    before: ResourceDraft | None
    after: ResourceDraft | None
    settings: tuple[SettingChange, ...] = ()
    facts: tuple[tuple[str, str, str], ...] = ()
    """What else is another, as (what, before, after): action, decision, whether it can be applied."""
    why: str = ""
    """Why it is taken for one object that was renamed."""

    @property
    def draft(self) -> ResourceDraft:
        """The object as the newer text that has it says."""
        found = self.after or self.before
        assert found is not None, "a change is of something; this is a fault in the kit"
        return found

    def as_json(self) -> dict[str, Any]:
        """Give the printed form."""
        sides = {
            name: {"name": draft.identity or draft.for_each, "line": draft.opened_at}
            for name, draft in (("before", self.before), ("after", self.after)) if draft
        }  # fmt: skip
        return {
            "change": self.sort, "type": self.draft.type, **sides, **({"why": self.why} if self.why else {}),
            "facts": [{"what": what, "before": old, "after": new} for what, old, new in self.facts],
            "settings": [item.as_json() for item in self.settings],
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """All that changed. Diagnostics and steps for a person are shown and are no change of settings by themselves."""

    resources: tuple[ResourceChange, ...]
    inputs: tuple[Fact, ...]
    references: tuple[Fact, ...]
    order: tuple[Fact, ...]
    promises: tuple[Fact, ...]
    diagnostics: tuple[Fact, ...]
    manual: tuple[Fact, ...]
    decisions: Decisions

    @property
    def changed(self) -> bool:
        """Tell whether a run of the new text asks for anything else than one of the old."""
        return any((self.resources, self.inputs, self.references, self.order, self.promises))

    def as_json(self) -> dict[str, Any]:
        """Give the printed form."""
        parts = ("resources", "inputs", "references", "order", "promises", "diagnostics", "manual")
        found = {name: [item.as_json() for item in getattr(self, name)] for name in parts}
        return {"changed": self.changed, **found, "decisions": self.decisions.as_json()}


def diff_texts(old: Compiled, new: Compiled) -> TextDiff:
    """Compare two compiles. Equal texts, and texts that only say the same otherwise, give no change."""
    pairs, gone, come = _pair(old.resources, new.resources)
    renames = find_renames(gone, come)
    names = {(item.old.type, folded(item.old)): str(item.new.identity) for item in renames}
    found = [_changed(before, after, names) for before, after in pairs]
    renamed = {id(item.new): _renamed(item, names) for item in renames}
    moved = {id(item.old) for item in renames}
    found += renamed.values()
    found += [ResourceChange(sort="removed", before=draft, after=None) for draft in gone if id(draft) not in moved]
    found += [ResourceChange(sort="added", before=None, after=draft) for draft in come if id(draft) not in renamed]
    place = {id(draft): at for at, draft in enumerate((*new.resources, *old.resources))}
    kept = [item for item in found if item.sort != "changed" or item.settings or item.facts]
    adopts = {str(item.draft.identity): _touches_content(item) for item in renamed.values()}
    return TextDiff(
        resources=tuple(sorted(kept, key=lambda item: place[id(item.draft)])),
        inputs=inputs(old, new), references=references(old, new),
        order=(*order(old, new, names), *sequence(old, new, names)),
        promises=promises(old, new), diagnostics=diagnostics(old, new), manual=manual(old, new),
        decisions=decisions(renames, adopts),
    )  # fmt: skip


# Resources


def _pair(
    old: Sequence[ResourceDraft], new: Sequence[ResourceDraft]
) -> tuple[list[tuple[ResourceDraft, ResourceDraft]], list[ResourceDraft], list[ResourceDraft]]:
    """Pair drafts of one object; several of one object are paired by what they do, then in the texts' order."""
    pairs, rest = [], list(old)
    come = []
    for draft in new:
        alike = [other for other in rest if (other.type, folded(other)) == (draft.type, folded(draft))]
        alike.sort(key=lambda other: other.action != draft.action)
        if alike:
            pairs.append((alike[0], draft))
            rest = [other for other in rest if other is not alike[0]]
        else:
            come.append(draft)
    return pairs, rest, come


def _renamed(item: Renamed, names: Names) -> ResourceChange:
    settings, facts = _differences(item.old, item.new, names)
    return ResourceChange(sort="renamed", before=item.old, after=item.new, settings=settings, facts=facts, why=item.why)


def _changed(before: ResourceDraft, after: ResourceDraft, names: Names) -> ResourceChange:
    settings, facts = _differences(before, after, names)
    return ResourceChange(sort="changed", before=before, after=after, settings=settings, facts=facts)


def _differences(
    before: ResourceDraft, after: ResourceDraft, names: Names
) -> tuple[tuple[SettingChange, ...], tuple[tuple[str, str, str], ...]]:
    parameters = dict.fromkeys(item.parameter for item in (*before.settings, *after.settings))
    settings = []
    for name in parameters:
        one, other = before.setting(name), after.setting(name)
        if one and other and same_value(one, other) and one.alternative == other.alternative:
            continue
        renamed = names.get((one.refers, str(one.value).casefold())) if one and one.refers else None
        follows = renamed is not None and other is not None and other.value == renamed
        settings.append(SettingChange(parameter=name, before=one, after=other, follows=follows))
    facts = (
        ("action", before.action, after.action),
        ("decision that turns it on", before.optional or "none", after.optional or "none"),
        ("can be applied", _blocked(before), _blocked(after)),
    )
    return tuple(settings), tuple((what, one, other) for what, one, other in facts if one != other)


def _blocked(draft: ResourceDraft) -> str:
    reasons = (re.sub(r"^[^:]*a line: ", "", neutral(reason)) for reason in draft.blocked_by)
    return f"no: {'; '.join(reasons)}" if draft.blocked_by else "yes"


def _touches_content(item: ResourceChange) -> bool:
    return any(not one.follows and one.parameter not in switches(item.draft.type) for one in item.settings)


def _setting_json(setting: Setting) -> dict[str, Any]:
    found = {"value": plain_json(setting.value), "lines": list(setting.lines)}
    found |= {"op": setting.op} if setting.op != "set" else {}
    other = setting.alternative
    return found | ({"alternative": other.value, "decision": other.decision} if other else {})
