"""The lexicon: what the words of a portal mean, as data that can be read, tested and extended alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ValidationError

from runbook.errors import UsageError
from runbook.lexicon.labels import Label, Labels, LabelsFile, Option
from runbook.lexicon.match import Certainty, fold, match_name, weaker
from runbook.lexicon.model import (
    Console,
    Page,
    PhrasesFile,
    Place,
    PlacesFile,
    PromisesFile,
    Words,
)

__all__ = ["Console", "Found", "Label", "Lexicon", "Option", "Page", "Place", "load_lexicon"]

HOME = Path(__file__).parent
File = TypeVar("File", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A label that was recognised, the words left over for its value, and how sure that is."""

    label: Label
    rest: tuple[str, ...]
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All tables together. Looking something up never guesses: no match is None."""

    places_file: PlacesFile
    labels_file: LabelsFile
    phrases: PhrasesFile
    promises: PromisesFile

    def console_of(self, name: str, href: str = "") -> Console | None:
        """Find a console by its address, else by its name."""
        address = urlsplit(href)
        host, path = (address.hostname or "", f"{address.path.rstrip('/')}/") if href else ("", "")
        for console in self.places_file.consoles:
            if host and (host in console.hosts or any(path.startswith(f"{known}/") for known in console.addresses)):
                return console
        names = {spelling: console for console in self.places_file.consoles for spelling in console.names}
        match = match_name(name, tuple(names))
        return names[match[0]] if match else None

    def foreign_in(self, titles: Sequence[str]) -> Console | None:
        """Find the unsupported console that a text is about by its titles alone; None if it is also about ours."""
        words = f" {' '.join(' '.join(fold(title)) for title in titles)} "
        if any(f" {' '.join(fold(name))} " in words for name in self.places_file.ours):
            return None
        for console in self.places_file.consoles:
            if not console.supported and any(f" {' '.join(fold(name))} " in words for name in console.names):
                return console
        return None

    def place_at(self, console: Console | None, crumbs: Sequence[str]) -> Place | None:
        """Find the place that the visited words lead to: the longest path that ends with the last word."""
        if console is None or not crumbs:
            return None
        best: tuple[int, Place] | None = None
        for place in self.places_file.places:
            if console.id not in place.console:
                continue
            for path in place.paths:
                if _leads_to(path, crumbs) and (best is None or len(path) > best[0]):
                    best = (len(path), place)
        return best[1] if best else None

    def place_of_address(self, href: str) -> Place | None:
        """Find the place that a link opens directly."""
        parts = urlsplit(href)
        address = f"{parts.hostname or ''}{parts.path}".rstrip("/")
        return next((place for place in self.places_file.places if address in place.urls), None)

    def labels_of(self, place: Place) -> Labels | None:
        """Give the labels of a place; None if the lexicon has none for it."""
        return next((item for item in self.labels_file.labels if item.place == place.id), None)

    def label_of(self, resource: str, parameter: str) -> Label | None:
        """Give the label that sets a parameter of a resource; None if the lexicon has none."""
        places = {place.id for place in self.places_file.places if place.resource == resource}
        rows = (row for table in self.labels_file.labels if table.place in places for row in table.rows)
        return next((row for row in rows if row.parameter == parameter), None)

    def builtin(self, resource: str) -> frozenset[str]:
        """Give the names, in lower case, that the service keeps for objects of its own."""
        places = (place for place in self.places_file.places if place.resource == resource)
        return frozenset(name.casefold() for place in places for name in place.builtin)

    def find(self, place: Place, above: Sequence[str], words: Sequence[str]) -> Found | None:
        """Find the label that `words` begin with, below the labels `above`.

        Tries the whole path first, then ever shorter ones, so that a label that stands alone in the lexicon
        is found wherever the text puts it, and one that needs its parent is not found without it.
        """
        labels = self.labels_of(place)
        if labels is None or not words:
            return None
        for skip in range(len(above) + 1):
            context = tuple(above[skip:])
            for length in range(len(context) + len(words), len(context), -1):
                taken = (*context, *words)[:length]
                found = _row(labels.rows, taken, labels.spellings)
                if found:
                    return Found(label=found[0], rest=tuple(words[length - len(context) :]), certainty=found[1])
        return None

    def prefix(self, place: Place, above: Sequence[str], words: Sequence[str]) -> Words | None:
        """Find the label that `words`, below `above`, begin; give that beginning as the lexicon has it."""
        labels = self.labels_of(place)
        if labels is None or not words:
            return None
        for skip in range(len(above) + 1):
            taken = (*above[skip:], *words)
            for row in labels.rows:
                for path in (row.path, *row.aliases):
                    if len(path) > len(taken) and _row((row,), (*taken, *path[len(taken) :]), labels.spellings):
                        return path[: len(taken)]
        return None

    def row(self, place: Place, path: Sequence[str]) -> Label | None:
        """Give the label with exactly this path, as the lexicon has it; None if there is none."""
        labels = self.labels_of(place)
        return next((row for row in labels.rows if row.path == tuple(path)), None) if labels and path else None

    def rows_of(self, place: Place, parameters: Sequence[str]) -> tuple[Label, ...]:
        """Give the first label of each of these parameters at a place."""
        labels = self.labels_of(place)
        rows = labels.rows if labels else ()
        return tuple(next(row for row in rows if row.parameter == name) for name in parameters)

    def place(self, name: str) -> Place:
        """Give the place with this id. Raises KeyError if there is none."""
        return {place.id: place for place in self.places_file.places}[name]

    def reference(self, words: str, href: str) -> Page | None:
        """Find the reference page that a link leads to; the words around it must name the list."""
        segments = urlsplit(href).path.strip("/").split("/")
        for page in self.places_file.references:
            if page.page in segments and match_name(words, page.words):
                return page
        return None


def _leads_to(path: Sequence[str], crumbs: Sequence[str]) -> bool:
    """Tell whether `path` is a subsequence of `crumbs` that ends where they end."""
    at = len(crumbs) - 1
    for position, name in enumerate(reversed(path)):
        while at >= 0 and not match_name(crumbs[at], (name,)):
            if position == 0:
                return False
            at -= 1
        if at < 0:
            return False
        at -= 1
    return True


def _row(rows: Sequence[Label], words: Sequence[str], spellings: Mapping[str, str]) -> tuple[Label, Certainty] | None:
    """Find the row whose path is `words`, matching word by word inside the set that is still possible."""
    spelled = [(path, row, path is not row.path) for row in rows for path in (row.path, *row.aliases)]
    spelled = [item for item in spelled if len(item[0]) == len(words)]
    certainty: Certainty = "exact label"
    for at, word in enumerate(words):
        names = dict.fromkeys(path[at] for path, _, _ in spelled)
        match = match_name(word, tuple(names), {other: name for other, name in spellings.items() if name in names})
        if match is None:
            return None
        spelled = [item for item in spelled if item[0][at] == match[0]]
        certainty = weaker(certainty, match[1])
    if len({id(row) for _, row, _ in spelled}) != 1:
        return None
    return spelled[0][1], weaker(certainty, "alias" if spelled[0][2] else "exact label")


def load_lexicon(home: Path = HOME) -> Lexicon:
    """Load and check the four tables in `home`; raise UsageError naming the file and the row if one is wrong.

    The kit's own tables, which are part of the program, are read once in a process.
    """
    return _own() if home == HOME else _read(home)


@functools.cache
def _own() -> Lexicon:
    return _read(HOME)


def _read(home: Path) -> Lexicon:
    lexicon = Lexicon(
        places_file=_load(home / "places.yaml", PlacesFile),
        labels_file=_load(home / "labels.yaml", LabelsFile),
        phrases=_load(home / "phrases.yaml", PhrasesFile),
        promises=_load(home / "promises.yaml", PromisesFile),
    )
    known = {place.id for place in lexicon.places_file.places}
    for labels in lexicon.labels_file.labels:
        if labels.place not in known:
            raise UsageError(f"{home / 'labels.yaml'}: the place {labels.place!r} is not in places.yaml.")
        for row in labels.rows:
            becoming = [option.becomes for option in row.options if option.becomes and option.becomes not in known]
            if becoming:
                raise UsageError(f"{home / 'labels.yaml'}: the place {becoming[0]!r} is not in places.yaml.")
            if row.use and row.use not in labels.options:
                raise UsageError(f"{home / 'labels.yaml'}: {row.path} uses options {row.use!r}, which are not there.")
    return lexicon


def _load(path: Path, shape: type[File]) -> File:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times faster, where it exists
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        return shape.model_validate(data)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise UsageError(f"The lexicon file {path} cannot be used: {error}", "Correct the file.") from error
