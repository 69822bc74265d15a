"""Turn the wording of one value into the value, by the type that the lexicon gives its label.

Every function either binds the whole wording or refuses. What a person must choose becomes an input; what is
worded with "or" is never chosen here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from runbook.compile.grammar import Chain, Clause
from runbook.compile.phrase import TEMPLATE, Slot
from runbook.compile.result import Bounds, Input
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, Literal, Value
from runbook.lexicon import Label, Option
from runbook.lexicon.match import Certainty, match_name, weaker

_FILL_IN = r"<[^<>]+>|\{[^{}]*\}|\[[^\[\]]+\]|\.{2,}|…|X{3,}|x{3,}|(?i:your)\b.*"
_FILL_IN += (
    r"|(?i:(?:[\w.-]*[@.])?(?:your|my)[\w-]*\.\w[\w.]*|(?:[\w.-]+[@.])?(?:contoso|fabrikam|domain|company)\.\w[\w.]*)"
)
PLACEHOLDER = re.compile(rf"{_FILL_IN}|[A-Z]+_[A-Z_]+")
# Words of a rule may be capitals with underlines, as an attribute of the verdict is.
PLACEHOLDER_WORD = re.compile(rf"{_FILL_IN}|YOUR_[A-Z_]+")
# A backslash at an end of a name was there to escape a mark.
MARK_LEFT = re.compile(r"\\.*|.*\\", re.DOTALL)
MARKED = ("strong", "emphasis", "code", "leftover", "quoted", "link", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A value, how sure its reading is, what was assumed, and the input it needs."""

    value: Value | None
    certainty: Certainty = "exact label"
    assumption: str = ""
    asks: Input | None = None
    placeholder: str = ""
    becomes: str = ""
    """Place whose labels hold once this value is chosen; empty for nearly all."""
    code: str = ""
    """Diagnostic that comes with the value, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a wording sets nothing."""

    why: str
    code: str = "unknown-step"
    lists_options: bool = False
    """True if what follows as bullets are the options of a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is bound: the label with its options, the value's links, and the clause they came from."""

    label: Label
    options: tuple[Option, ...]
    links: Chain
    clause: Clause | None
    lines: tuple[int, ...]

    def only_slot(self) -> Slot | None:
        """Give the value's single marked run; None if there is none or more than one."""
        return self.links[0][0] if len(self.links) == 1 and len(self.links[0]) == 1 else None


def bind(wording: Wording) -> Bound | Refusal:
    """Read a value. Gives a Refusal with a reason when the wording is not wholly understood."""
    clause = wording.clause
    if clause and TEMPLATE.search(clause.words):
        return Refusal(why="a template parameter was not filled in", code="unresolved-include")
    if clause and re.search(r" or ", clause.text) and wording.label.type != "interval":
        return Refusal(why="the text offers a choice and does not make it", code="choice-required")
    if clause and clause.form == "below" and wording.label.type != "opens":
        return Refusal(why="its value is not given beside it")
    if clause and clause.form in ("kept", "open", "below"):
        return Bound(value=None)
    return _BINDERS[wording.label.type](wording)


def _name(wording: Wording) -> Bound | Refusal:
    slot = wording.only_slot()
    if slot is None and wording.clause and wording.clause.form == "bare":
        return Bound(value=wording.clause.parts["bare"])
    if slot is None or slot.mark not in MARKED:
        return Refusal(why="no name is marked as such")
    if PLACEHOLDER.fullmatch(slot.text):
        return Bound(value=None, placeholder=slot.text)
    return _without_marks((slot.text,)) or Bound(value=slot.text)


def _without_marks(texts: Sequence[str]) -> Refusal | None:
    """Refuse names and words that a mark clings to."""
    marked = [text for text in texts if MARK_LEFT.fullmatch(text)]
    return Refusal(why=f"a mark clings to {marked[0]!r}") if marked else None


def _text(wording: Wording) -> Bound | Refusal:
    slot = wording.only_slot()
    if slot is None and wording.clause and wording.clause.form == "bare":
        return Bound(value=wording.clause.parts["bare"])
    if slot is None or slot.mark not in MARKED:
        return Refusal(why="no literal is marked as such")
    if PLACEHOLDER.fullmatch(slot.text):
        return Refusal(why=f"{slot.text} is a placeholder", code="placeholder-text")
    if wording.label.entry and not re.fullmatch(wording.label.entry, slot.text):
        return Refusal(why=f"{slot.text!r} is not what this control takes", code="guard-failed")
    return _without_marks((slot.text,)) or Bound(value=slot.text)


def _words(wording: Wording) -> Bound | Refusal:
    bare = wording.clause.parts["bare"] if wording.clause and wording.clause.form == "bare" else ""
    if bare and " " not in bare:  # a single word cannot be two phrases
        return Bound(value=(bare,))
    if len(wording.links) != 1 or any(slot.mark not in MARKED for slot in wording.links[0]):
        return Refusal(why="no words are marked as such")
    written = tuple(slot.text for slot in wording.links[0])
    unfilled = [text for text in written if PLACEHOLDER_WORD.fullmatch(text)]
    if unfilled:
        return Refusal(why=f"{unfilled[0]} is a placeholder", code="placeholder-text")
    marked = _without_marks(written)
    if marked:
        return marked
    split = tuple(word.strip() for text in written for word in text.split(",") if word.strip())
    if split == written:
        return Bound(value=written)
    advised = AdvisedValue(as_written=written, advised=split, decisions=(wording.label.decision or "",))
    return Bound(value=advised, code="literal-holds-list")


def _option(text: str, options: Sequence[Option]) -> tuple[Option, Certainty] | None:
    by_words = {option.words: option for option in options}
    match = match_name(text, tuple(by_words))
    return (by_words[match[0]], match[1]) if match else None


def _literal(value: object) -> Literal:
    return value if isinstance(value, (str, bool, int, tuple)) else str(value)


def _enum(wording: Wording) -> Bound | Refusal:
    slot = wording.only_slot()
    match = _option(slot.text, wording.options) if slot else None
    if match is None:
        return Refusal(why="the option is not one of those that are known")
    option, certainty = match
    if option.refused:
        return Refusal(why=option.refused, code="guard-failed")
    value = _literal(option.value)
    return Bound(value=value, certainty=certainty, assumption=option.assumption, becomes=option.becomes)


def _bits(wording: Wording) -> Bound | Refusal:
    if len(wording.links) != 1:
        return Refusal(why="the boxes are not named")
    if wording.label.pick == "one" and len(wording.links[0]) != 1:
        return Refusal(why="only one of these options can be chosen", code="choice-required")
    total = 0
    certainty: Certainty = "exact label"
    for slot in wording.links[0]:
        match = _option(slot.text, wording.options)
        if match is None:
            return Refusal(why=f"the box {slot.text!r} is not known")
        total |= int(str(match[0].value))
        certainty = weaker(certainty, match[1])
    return Bound(value=total, certainty=certainty)


def _set(wording: Wording) -> Bound | Refusal:
    form = wording.clause.form if wording.clause else None
    if form == "none":
        return Bound(value=(), assumption=wording.label.assumption)
    if form != "only" or len(wording.links) != 1:
        return Refusal(why="which boxes are checked is not said as a whole")
    chosen: list[str] = []
    certainty: Certainty = "exact label"
    for slot in wording.links[0]:
        match = _option(slot.text, wording.options)
        if match is None:
            return Refusal(why=f"the box {slot.text!r} is not known")
        chosen.append(str(match[0].value))
        # Letter case alone is no doubt about a box.
        certainty = weaker(certainty, "alias" if slot.text.upper() == match[0].words.upper() else match[1])
    return Bound(value=tuple(chosen), certainty=certainty, assumption=wording.label.assumption)


def _flag(wording: Wording) -> Bound | Refusal:
    if wording.links:
        return Refusal(why="more words follow than this control takes")
    assert wording.label.value is not None, "checked when the lexicon was loaded; this is a fault in the kit"
    return Bound(value=wording.label.value)


def _integer(wording: Wording) -> Bound | Refusal:
    slot = wording.only_slot()
    if slot is None and wording.clause and wording.clause.form == "bare":
        slot = Slot(text=wording.clause.parts["bare"], mark="plain")
    if slot is None:
        return Refusal(why="no number is given")
    match = _option(slot.text, wording.options) if wording.options else None
    if match:
        return Bound(value=_literal(match[0].value), certainty=match[1])
    if not re.fullmatch(r"-?\d+", slot.text):
        return Refusal(why=f"{slot.text!r} is not a number")
    number, low, high = int(slot.text), wording.label.low, wording.label.high
    if (low is not None and number < low) or (high is not None and number > high):
        return Refusal(why=f"{number} is outside {low} to {high}", code="guard-failed")
    return Bound(value=number)


def _list(wording: Wording) -> Bound | Refusal:
    if wording.clause is None or wording.clause.form != "empty":
        return Refusal(why="the entries are not given as marked words")
    return Bound(value=())


def _entries(wording: Wording) -> Bound | Refusal:
    slots = [slot for link in wording.links for slot in link]
    if not slots or len(wording.links) != 1 or any(slot.mark not in MARKED for slot in slots):
        return Refusal(why="no entries are marked as such")
    unfilled = [slot.text for slot in slots if PLACEHOLDER.fullmatch(slot.text)]
    if unfilled:
        return Refusal(why=f"{unfilled[0]} is a placeholder", code="placeholder-text")
    pattern = wording.label.entry
    unfit = [slot.text for slot in slots if pattern and not re.fullmatch(pattern, slot.text)]
    if unfit:
        return Refusal(why=f"{unfit[0]!r} is not what this control takes", code="guard-failed")
    return Bound(value=tuple(slot.text for slot in slots))


def _interval(wording: Wording) -> Bound | Refusal:
    slots = [slot for link in wording.links for slot in link]
    matches = [_option(slot.text, wording.options) for slot in slots]
    if any(match is None for match in matches):
        if len(slots) == 1 and re.fullmatch(r"\d+ ?(?:minutes?|hours?|days?|weeks?)", slots[0].text):
            return Refusal(why=f"{slots[0].text!r} is not offered by the service", code="guard-failed")
        return Refusal(why="an option is not one of those that are known")
    if len(matches) == 1 and matches[0]:
        return Bound(value=_literal(matches[0][0].value), certainty=matches[0][1])
    named = [str(match[0].value) for match in matches if match]
    domain = tuple(named) or tuple(str(option.value) for option in wording.options)
    name = wording.label.input or ""
    asks = Input(name=name, kind="free_choice", domain=domain, lines=wording.lines, label=wording.label.path[-1])
    return Bound(value=InputValue(name=name), asks=asks, code="free-choice")


def _range(wording: Wording) -> Bound | Refusal:
    label, clause = wording.label, wording.clause
    if clause and clause.form == "range":
        recommended = Bounds(low=int(clause.parts["low"]), high=int(clause.parts["high"]))
        name = label.input or ""
        bounds = Bounds(low=label.low or 0, high=label.high or 0)
        asks = Input(
            name=name,
            kind="recommended_range",
            domain=bounds,
            recommended=recommended,
            lines=wording.lines,
            label=label.path[-1],
        )
        return Bound(value=InputValue(name=name), asks=asks, code="range-without-value")
    return _integer(wording)


def _computed(wording: Wording) -> Bound | Refusal:
    clause, label = wording.clause, wording.label
    if clause is None or clause.form != "expected" or not label.when or not label.computed:
        return Refusal(why="where the value comes from is not said")
    if not re.fullmatch(label.when, clause.phrase.words(clause.parts["what"]), re.IGNORECASE):
        return Refusal(why="the value is another one than this kit can look up")
    return Bound(value=ComputedValue(source=label.computed))


def _addresses(wording: Wording) -> Bound | Refusal:
    """Read addresses that stand in the text itself; without any, the list is on another page."""
    form = wording.clause.form if wording.clause else None
    if form == "empty" and wording.label.op == "add":
        return Bound(value=())
    if not wording.links:
        return _needs_other_form(wording)
    slots = [slot for link in wording.links for slot in link]
    for slot in slots:
        first, _, last = slot.text.partition("-")
        try:
            ends = [ip_network(end.strip(), strict=False) for end in ((first, last) if last else (first,))]
        except ValueError:
            return Refusal(why=f"{slot.text!r} is not an address")
        masks = wording.label.masks
        if masks and not all(end.version == 4 and masks.low <= end.prefixlen <= masks.high for end in ends):
            why = f"{slot.text} is not IPv4 with a mask from /{masks.low} to /{masks.high}"
            return Refusal(why=why, code="guard-failed")
    return Bound(value=tuple(slot.text for slot in slots))


def _needs_other_form(wording: Wording) -> Bound | Refusal:
    if wording.links or (wording.clause and wording.clause.form != "chain"):
        return Refusal(why="more words follow than this control takes")
    return Bound(value=None)


_BINDERS: Mapping[str, Callable[[Wording], Bound | Refusal]] = {
    "name": _name, "text": _text, "words": _words, "enum": _enum, "bits": _bits, "set": _set, "flag": _flag,
    "switch": _needs_other_form, "integer": _integer, "list": _list, "entries": _entries, "interval": _interval,
    "range": _range, "computed": _computed, "reference": _addresses, "opens": _needs_other_form,
    "pair": _needs_other_form,
}  # fmt: skip
