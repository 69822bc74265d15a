"""The change that a section is in the middle of: opened, filled setting by setting, closed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from runbook.compile.result import Action, Certainty, Line, ResourceDraft, Setting
from runbook.lexicon import Place

DOUBT: tuple[Certainty, ...] = ("exact label", "alias", "fuzzy", "assumption")


@dataclass(slots=True, kw_only=True)
class OpenChange:
    """A resource while it is being read. Mutable on purpose; `finish` gives the frozen draft."""

    place: Place
    action: Action
    section: str
    opened_at: int
    optional: str | None = None
    identity: str | None = None
    identity_line: int | None = None
    for_each: str | None = None
    committed_at: int | None = None
    settings: dict[str, Setting] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    needs: dict[str, int] = field(default_factory=dict)
    """Parameters that must follow, and the line that opened the need."""
    awaits: tuple[str, ...] = ()
    """Path of the label that the next entry without a label belongs to; empty if none is awaited."""
    fields: tuple[str, ...] = ()
    """Path that the fields of the present row have spelled so far."""
    parts: dict[str, list[Setting]] = field(default_factory=dict)
    """What added up to a parameter's number, one by one."""

    @property
    def named(self) -> bool:
        """Tell whether the change says which object it is about."""
        return self.identity is not None or self.for_each is not None

    def put(self, new: Setting, at: Callable[[Line], str], *, adds_up: bool = False, extends: bool = False) -> str:
        """Add a setting; give a sentence why not if it contradicts one that is there, else an empty text.

        `at` names a line in a sentence. With `adds_up` the numbers of both are joined bit by bit, as
        boxes of one control are; with `extends` the entries of both make one list.
        """
        old = self.settings.get(new.parameter)
        if adds_up:
            self.parts.setdefault(new.parameter, []).append(new)
        if old is None:
            self.settings[new.parameter] = new
        elif adds_up and isinstance(old.value, int) and isinstance(new.value, int):
            self.settings[new.parameter] = replace(
                new, value=old.value | new.value, lines=(*old.lines, *new.lines), label=f"{old.label}; {new.label}",
                words=f"{old.words}; {new.words}", certainty=max(old.certainty, new.certainty, key=DOUBT.index),
            )  # fmt: skip
        elif extends and isinstance(old.value, tuple) and isinstance(new.value, tuple) and old.op == new.op:
            self.settings[new.parameter] = replace(
                old, value=tuple(dict.fromkeys((*old.value, *new.value))), lines=(*old.lines, *new.lines),
                words=f"{old.words}; {new.words}", certainty=max(old.certainty, new.certainty, key=DOUBT.index),
            )  # fmt: skip
        elif old.value == new.value:
            self.settings[new.parameter] = replace(old, lines=tuple(dict.fromkeys((*old.lines, *new.lines))))
        else:
            return f"{new.parameter} is set again to another value than in {at(old.lines[0])}"
        return ""

    def line_of_bits(self, parameter: str, bits: int) -> Line:
        """Give the line with which all of `bits` were set; 0 if they are not."""
        total = 0
        for part in self.parts.get(parameter, []):
            total |= part.value if isinstance(part.value, int) else 0
            if total & bits == bits:
                return part.lines[0]
        return 0

    def finish(self, blocked_by: tuple[str, ...] = (), *, left: bool = False) -> ResourceDraft:
        """Freeze the change. Settings keep the order of the text."""
        where: list[tuple[str, Line]] = []
        if self.identity_line is not None:
            where.append(("identity", self.identity_line))
        where += [(setting.parameter, setting.lines[0]) for setting in self.settings.values()]
        return ResourceDraft(
            type=self.place.resource, action=self.action,
            identity=None if self.for_each else self.identity, for_each=self.for_each,
            settings=tuple(self.settings.values()),
            untouched=tuple(name for name in self.place.watched if name not in self.settings),
            section=self.section, lines=tuple(where),
            opened_at=self.opened_at, committed_at=self.committed_at, optional=self.optional,
            blocked_by=(*self.blocked, *blocked_by), left=left or bool(self.blocked),
        )  # fmt: skip
