"""The lexicon as data: each row can be found, wrong data is refused, and matching never guesses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook.compile.findings import SEVERITY
from runbook.compile.grammar import compiled
from runbook.errors import UsageError
from runbook.lexicon import HOME, Lexicon, Place, load_lexicon
from runbook.lexicon.match import match_name

LEXICON = load_lexicon()
PLACES = {place.id: place for place in LEXICON.places_file.places}
ROWS = [(PLACES[table.place], row) for table in LEXICON.labels_file.labels for row in table.rows]
OPTIONS = (
    "Move messages to the folder",
    "Quarantine message",
    "Allow people to release mail",
    "Allow people to see mail",
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Quarantine message", ("Quarantine message", "exact label")),
        ("quarantine Message", ("Quarantine message", "fuzzy")),
        ("Quarantine, message.", ("Quarantine message", "fuzzy")),
        ("Quarantine the message", ("Quarantine message", "fuzzy")),
        ("Move messages the folder", ("Move messages to the folder", "fuzzy")),
        ("Hold it", ("Quarantine message", "alias")),
        ("Quarantine", None),
        ("Quarantine messages", None),
        ("Allow people to delete mail", None),
        ("Allow people release see mail", None),
        ("Move messages folder", ("Move messages to the folder", "fuzzy")),
        ("", None),
    ],
)
def test_matching(text: str, found: tuple[str, str] | None) -> None:
    assert match_name(text, OPTIONS, {"Hold it": "Quarantine message"}) == found


def test_two_that_are_equally_near_are_no_match() -> None:
    assert match_name("send to folder", ("Send to the folder", "Send, to a folder")) is None


@pytest.mark.parametrize(("place", "row"), ROWS, ids=lambda item: getattr(item, "id", None) or ">".join(item.path))
def test_each_label_is_found_by_its_own_path(place: Place, row: object) -> None:
    for path in (row.path, *row.aliases):  # type: ignore[attr-defined]
        found = LEXICON.find(place, (), path)
        assert found is not None and found.label is row and found.rest == ()


@pytest.mark.parametrize(("place", "row"), ROWS, ids=lambda item: getattr(item, "id", None) or ">".join(item.path))
def test_each_label_names_its_source(place: Place, row: object) -> None:
    assert row.source.strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", PLACES.values(), ids=lambda place: place.id)
def test_each_place_is_reached_by_each_of_its_paths(place: Place) -> None:
    consoles = [console for console in LEXICON.places_file.consoles if console.id in place.console]
    assert consoles
    for console in consoles:
        for path in place.paths:
            assert LEXICON.place_at(console, path) == place
            assert LEXICON.place_at(console, (*path[:-1], "Something between", path[-1])) == place
            assert LEXICON.place_at(console, (*path, "Something else")) is None
            assert LEXICON.place_at(None, path) is None
    foreign = [console for console in LEXICON.places_file.consoles if not console.supported]
    assert all(LEXICON.place_at(console, path) is None for console in foreign for path in place.paths)


def test_a_label_that_needs_its_parent_is_not_found_without_it() -> None:
    place = PLACES["defender.antispam_default"]
    assert LEXICON.find(place, (), ("Select quarantine policy",)) is None
    below = LEXICON.find(place, ("Phishing",), ("Select quarantine policy", "Some policy"))
    assert below is not None and below.label.parameter == "PhishQuarantineTag" and below.rest == ("Some policy",)


def test_a_label_of_its_own_is_found_wherever_it_stands() -> None:
    place = PLACES["defender.antispam_default"]
    found = LEXICON.find(place, ("High confidence spam", "Select quarantine policy"), ("Phishing",))
    assert found is not None and found.label.parameter == "PhishSpamAction"


def test_consoles_by_address_before_name() -> None:
    assert LEXICON.console_of("any words", "https://security.microsoft.com/antispam").id == "defender"  # type: ignore[union-attr]
    assert LEXICON.console_of("Exchange admin center").id == "exchange"  # type: ignore[union-attr]
    assert LEXICON.console_of("Exchange admin") is None
    assert LEXICON.console_of("x", "https://security.microsoft.com.example.org/") is None


def test_years_of_a_console_are_in_order() -> None:
    spans = [console.years for console in LEXICON.places_file.consoles if console.years]
    assert spans and all(first <= last for first, last in spans)
    retired = [console for console in LEXICON.places_file.consoles if console.retired]
    assert all(console.years and console.years[1] < 2026 for console in retired)


def test_addresses_that_open_a_place() -> None:
    assert LEXICON.place_of_address("https://security.microsoft.com/antispam").id == "defender.antispam"  # type: ignore[union-attr]
    assert LEXICON.place_of_address("https://security.microsoft.com/") is None


def test_a_reference_needs_its_page_and_its_words() -> None:
    assert LEXICON.reference("egress IPs", "/a/egress-ips/") is not None
    assert LEXICON.reference("egress IPs", "/a/other/") is None
    assert LEXICON.reference("host names", "/a/egress-ips/") is None


def test_every_pattern_compiles_and_codes_are_known() -> None:
    phrases = LEXICON.phrases
    patterns = [p for form in (*phrases.steps, *phrases.clauses) for p in form.patterns]
    patterns += [*phrases.optional, *phrases.gate, *phrases.enumeration, *phrases.choice, *phrases.condition]
    assert all(compiled(pattern) for pattern in patterns)
    used = [rule.code for place in PLACES.values() for rule in (*place.expects, *place.unless)]
    used += [row.warns.code for _, row in ROWS if row.warns]
    assert set(used) <= set(SEVERITY)


def test_the_code_knows_no_label_and_no_option() -> None:
    """Meaning is data: no label, option or parameter of the lexicon stands in the compiler's code."""
    words = {word for _, row in ROWS for word in row.path}
    for table in LEXICON.labels_file.labels:
        words |= {option.words for row in table.rows for option in table.options_of(row)}
    words |= {row.parameter for _, row in ROWS if row.parameter}
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HOME.parent / "compile").glob("*.py")))
    strings = set(re.findall(r'"([^"\n]*)"', re.sub(r'"""(?:.|\n)*?"""', "", code)))
    assert not words & strings


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("labels.yaml", "type: interval", "type: nonsense", "labels.yaml"),
        ("labels.yaml", "parameter: transport", "parametre: transport", "labels.yaml"),
        ("labels.yaml", "op: add", "op: add\n        colour: red", "colour"),
        ("labels.yaml", "use: action", "use: actions", "actions"),
        ("labels.yaml", "place: exchange.rules", "place: exchange.rule", "exchange.rule"),
        ("places.yaml", "shape: page", "shape: object", "places.yaml"),
        ("places.yaml", "version: 1", "version: 2", "places.yaml"),
        ("phrases.yaml", "form: visit", "form: fly", "phrases.yaml"),
        ("promises.yaml", "rule: TransportRule", "rool: TransportRule", "promises.yaml"),
    ],
)
def test_wrong_data_is_refused(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    for source in HOME.glob("*.yaml"):
        text = source.read_text(encoding="utf-8")
        assert source.name != file or old in text
        (tmp_path / source.name).write_text(text.replace(old, new) if source.name == file else text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(told)):
        load_lexicon(tmp_path)


def test_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"places\.yaml"):
        load_lexicon(tmp_path)


def test_loading_gives_equal_values() -> None:
    assert isinstance(LEXICON, Lexicon)
    assert load_lexicon() == LEXICON
