"""Where mail lands, said in a notebook, on a terminal and in the record: the same, and nothing that was not seen."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from outlooks import DIRECTION, SHOWN, Elements, outlook, picture_made_of

from runbook import outcome_words as words
from runbook.outcome_views import outlook_view
from runbook.record import landing
from runbook.record.exporter import exporter


def record(name: str) -> str:
    """The record's page of a run that has nothing but an outlook."""
    from runbook.record.page import from_result

    result = {
        "outlook": outlook(name), "status": "changed", "mode": "apply", "run": "r", "finished": "f", "sections": [],
        "tutorial": {"title": "T", "sha256": "0" * 64, "name": "t"}, "tenant": {"name": "demo", "simulated": True},
        "kit": {"version": "1", "python": "3", "platform": "p"}, "assumptions": [],
        "journal": {"entries": 1, "head": "h"},
    }  # fmt: skip
    return str(exporter().from_notebook_node(nbformat.v4.new_notebook(), {"page": from_result(result)})[0])


@pytest.mark.parametrize("name", SHOWN)
def test_the_text_has_a_line_for_each_promise(name: str) -> None:
    lines = outlook_view(outlook(name), "matrix").text.split("\n")
    assert [line for line in SHOWN[name]["lines"] if line not in lines] == []
    promised = [row for row in outlook(name)["rows"] if row["promised"]]
    assert len([line for line in lines if ". Promise: predicted " in line]) == len(promised)


@pytest.mark.parametrize("name", SHOWN)
def test_view_and_record_say_the_same(name: str) -> None:
    view = outlook_view(outlook(name), "matrix")
    for where, text in (
        ("text", view.text),
        ("html", Elements(view.html).text),
        ("record", Elements(record(name)).text),
    ):
        assert [said for said in SHOWN[name]["both"] if said not in text] == [], where
        assert [said for said in SHOWN[name]["neither"] if said in text] == [], where
        assert text.count(words.SCL) == 1, where


@pytest.mark.parametrize("name", SHOWN)
def test_the_headline_tells_prediction_from_sight(name: str) -> None:
    assert words.headline(outlook(name)) == SHOWN[name]["headline"]
    assert f"0 of 0 sections verified by fresh reads. {SHOWN[name]['headline']}" in record(name)


@pytest.mark.parametrize("name", SHOWN)
def test_nothing_is_called_observed_that_nobody_saw(name: str) -> None:
    found = outlook(name)
    unseen = {**found, "rows": [{**row, "observed": None} for row in found["rows"]]}
    text = outlook_view(unseen, "matrix").text
    lines = [line for line in text.split("\n") if "after, predicted: " in line]
    assert lines and all("; not observed" in line for line in lines)
    assert "observed KEPT" not in text and "observed to be" not in words.headline(unseen)
    cells = landing.content(unseen)
    assert {row["observed"] for group in cells["groups"] for row in group["rows"]} == {"not observed"}


@pytest.mark.parametrize("name", SHOWN)
def test_a_policy_s_view_is_of_whom_it_is_for_and_of_presets(name: str) -> None:
    view = outlook_view(outlook(name), "policy")
    assert view.text.startswith("Who is governed:")
    assert words.presets_text(outlook(name)) in view.text or name == "hostile"
    assert "Where mail lands" not in view.text and "<svg" not in view.html and "SCL" not in view.text


@pytest.mark.parametrize("name", SHOWN)
def test_markup_is_the_kit_s_own(name: str) -> None:
    own = {"p", "details", "summary", "table", "caption", "thead", "tr", "th", "th scope", "tbody", "td"}
    own |= picture_made_of()
    view = outlook_view(outlook(name), "matrix")
    assert Elements(view.html).made <= own, Elements(view.html).made - own
    # The same page over an outlook of tame names says which elements and attributes the page itself is made of.
    tame = Elements(record("one-of-each")).made | Elements(record("presets")).made
    page = record(name)
    assert Elements(page).made <= tame, Elements(page).made - tame
    for text in (view.html, view.text, page):
        assert [char for char in text if char in DIRECTION or (ord(char) < 32 and char != "\n")] == []


@pytest.mark.parametrize("name", sorted(set(SHOWN) - {"hostile"}))
def test_each_step_is_in_the_record_with_its_source_and_grade(name: str) -> None:
    text = Elements(record(name)).text
    for row in words.rows_of(outlook(name), "gateway"):
        for step in (*row["before"]["steps"], *row["after"]["steps"]):
            assert f"{step['text']} [{step['grade']}; {step['source']}]" in text


def test_other_cases_are_all_told_though_those_alike_share_a_line() -> None:
    rows = words.rows_of(outlook("presets"), "outside", "phishing")
    told = {
        (name, who, item.row["case"], item.row["before"]["text"], item.row["after"]["text"])
        for item in words.alike(rows)
        for name in item.dispositions
        for who in item.recipients
    }
    assert told == {
        (words.disposition(row), who, row["case"], row["before"]["text"], row["after"]["text"])
        for row in rows
        for who in row["recipients"]
    }
    assert len(words.alike(rows)) < len(rows)


COUNTS: dict[str, tuple[list[tuple[bool | None, bool | str | None]], str]] = {
    "for everybody": ([(True, True), (True, True)], "Promises: 1 of 1 kept by prediction, 1 of 1 observed to be kept."),
    "not for one": ([(True, True), (False, False)], "Promises: 0 of 1 kept by prediction, 0 of 1 observed to be kept."),
    "one unknown": ([(True, True), (None, None)], "Promises: 0 of 1 kept by prediction, 0 of 1 observed to be kept."),
    "one not seen": ([(True, True), (True, "")], "Promises: 1 of 1 kept by prediction, 0 of 1 observed to be kept."),
    "none seen": ([(True, ""), (True, "")], "Promises: 1 of 1 kept by prediction, none observed."),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_promise_counts_as_kept_where_it_is_for_everybody(name: str) -> None:
    rows, expected = COUNTS[name]
    made: list[dict[str, Any]] = [
        {
            "disposition": "SPAM",
            "promised": [{"place": "Junk", "line": 1}],
            "kept": kept,
            "observed": None if seen == "" else {"kept": seen},
        }
        for kept, seen in rows
    ]
    assert words.headline({"rows": made}) == expected


def test_without_an_outlook_or_a_promise_the_headline_says_nothing() -> None:
    assert words.headline(None) == words.headline({"rows": []}) == ""
