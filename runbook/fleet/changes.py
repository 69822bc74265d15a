"""What is otherwise than in the fleet run before, as a rule last night's: tenants, sections, promises.

Pure: two summaries in, the differences out. What one of the two could not read is no change: nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from runbook.fleet.rows import GOOD, rank

Summary = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A tenant whose status is another."""

    tenant: str
    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A section that had been read back as asked, and is no longer so."""

    tenant: str
    section: str
    title: str
    count: int
    """Properties that are not as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A tenant of which more promises are not kept, by prediction."""

    tenant: str
    before: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since an earlier fleet run; tenants in the order of the later summary."""

    fleet: str
    """The run before."""
    finished: str
    """When that one ended."""
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    better: tuple[Moved, ...] = ()
    worse: tuple[Moved, ...] = ()
    drifted: tuple[Drifted, ...] = ()
    broken: tuple[Broken, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.gone or self.better or self.worse or self.drifted or self.broken)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def since(before: Summary, now: Summary) -> Changes:
    """Return what is otherwise in `now`. Raises KeyError or TypeError for what is no summary."""
    former = {row["tenant"]: row for row in before["tenants"]}
    present = {row["tenant"]: row for row in now["tenants"]}
    pairs = [(former[name], row) for name, row in present.items() if name in former]
    moved = [(_moved(old, row), _direction(old, row)) for old, row in pairs]
    return Changes(
        fleet=before["fleet"],
        finished=before["finished"],
        new=tuple(name for name in present if name not in former),
        gone=tuple(name for name in former if name not in present),
        better=tuple(move for move, way in moved if way > 0),
        worse=tuple(move for move, way in moved if way < 0),
        drifted=tuple(item for old, row in pairs for item in _drifted(old, row)),
        broken=tuple(item for old, row in pairs for item in _broken(old, row)),
    )


def _moved(old: Mapping[str, Any], row: Mapping[str, Any]) -> Moved:
    return Moved(tenant=row["tenant"], before=old["status"], now=row["status"])


def _direction(old: Mapping[str, Any], row: Mapping[str, Any]) -> int:
    """Return more than 0 for better and less for worse; that something had to be changed is neither."""
    if old["status"] in GOOD and row["status"] in GOOD:
        return 0
    return rank(row["status"]) - rank(old["status"])


def _drifted(old: Mapping[str, Any], row: Mapping[str, Any]) -> Iterable[Drifted]:
    was_good = {item["section"] for item in old["sections"] if item["verified"]}
    for item in row["sections"]:
        if item["drift"] and item["section"] in was_good:
            yield Drifted(tenant=row["tenant"], section=item["section"], title=item["title"], count=item["drift"])


def _broken(old: Mapping[str, Any], row: Mapping[str, Any]) -> Iterable[Broken]:
    if old["outlook"] and row["outlook"] and row["outlook"]["broken"] > old["outlook"]["broken"]:
        yield Broken(tenant=row["tenant"], before=old["outlook"]["broken"], now=row["outlook"]["broken"])
