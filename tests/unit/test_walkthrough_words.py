"""What the walkthrough shows, without a kernel: words of the portals, differences, controls, how a record stands."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import difference, library, portal
from runbook.inputs import effective
from runbook.plan_views import checks_view, plan_view
from runbook.walkthrough.button import PAUSE_SECONDS, Button
from runbook.walkthrough.closing import standing
from runbook.walkthrough.controls import allowed, control, shown, typed
from runbook.walkthrough.present import resulting

CASES = Path(__file__).resolve().parents[1] / "cases" / "walkthrough"


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASES / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("case", cases("portal.yaml"), ids=lambda c: f"{c['kind']}.{c['name']}={c['value']}")
def test_the_portals_words(case: Mapping[str, Any]) -> None:
    assert portal.label(case["kind"], case["name"]) == case["label"]
    assert portal.spoken(case["kind"], case["name"], case["value"]) == case["word"]


def test_every_option_of_the_lexicon_is_spoken_as_itself() -> None:
    """The words that bind a value when a text is compiled are those that are shown for it; of two, the first."""
    from runbook.lexicon import load_lexicon

    lexicon, seen = load_lexicon(), 0
    places = {place.id: place.resource for place in lexicon.places_file.places}
    for table in lexicon.labels_file.labels:
        kind = places[table.place] or ""
        for row in table.rows:
            if row.parameter is None or row.type not in ("enum", "interval"):
                continue
            if lexicon.label_of(kind, row.parameter) != row:
                continue  # another page's label for the same property comes first
            for option in table.options_of(row):
                word = portal.spoken(kind, row.parameter, option.value)
                if word:
                    same = [o.words for o in table.options_of(row) if o.value == option.value]
                    assert word in same, (kind, row.parameter, option.words)
                    seen += 1
    assert seen > 20


PLAN: dict[str, Any] = {
    "changes": [
        {
            "action": "update", "kind": "HostedContentFilterPolicy", "identity": "Default", "notes": ["seen by nobody"],
            "reason": "not as the tutorial asks: SpamAction", "properties": [
                {"name": "SpamAction", "before": "MoveToJmf", "after": "Quarantine", "changed": True, "lines": [92],
                 "words": "Spam: Quarantine message", "note": "", "op": "set"},
                {"name": "BulkThreshold", "before": 7, "after": 7, "changed": False, "lines": [], "words": "",
                 "note": "", "op": "set"},
            ],
        },
        {"action": "none", "kind": "QuarantinePolicy", "identity": "<b>Kept</b>", "reason": "it is as asked",
         "properties": []},
    ],
    "problems": [{"kind": "TransportRule", "identity": "R", "presence": "unknown", "reason": "not read", "other": ""}],
}  # fmt: skip


def test_a_difference_has_both_languages_and_folds_what_stays() -> None:
    first, second = difference.things(PLAN)
    (row,) = first.changed
    assert (row.before and row.before.text, row.after.text) == (
        "Move messages to Junk Email folder (MoveToJmf)", "Quarantine message (Quarantine)",
    )  # fmt: skip
    assert [item.name for item in first.kept] == ["BulkThreshold"]
    assert (first.symbol, second.symbol) == ("~", "=")


def test_a_created_thing_has_no_before() -> None:
    created = {**PLAN["changes"][0], "action": "create"}
    (thing,) = difference.things({"changes": [created], "problems": []})
    assert all(row.before is None for row in thing.rows)


def test_the_table_escapes_folds_and_names_what_is_unknown() -> None:
    view = plan_view(PLAN, title="T", plan_hash="abc", hands={})
    assert "<b>Kept</b>" not in view.html and "&lt;b&gt;Kept" in view.html
    assert re.search(
        r"<details><summary>= 1 setting stays as it is</summary>.*<code>Bulk<wbr>Threshold</code>", view.html
    )
    assert "Transport rule R, not plannable: not read" in view.html
    assert "is changed: not as the tutorial asks</caption>" in view.html, "the table names the properties already"
    assert "Spam: Quarantine message" in view.html and "line 92" in view.html


def test_a_failed_check_comes_first_and_the_rest_is_folded() -> None:
    wrong = {"kind": "QuarantinePolicy", "identity": "P", "name": "ESNEnabled", "wanted": True, "ok": False,
             "found_text": "no", "lines": [54]}  # fmt: skip
    view = checks_view([{**wrong, "ok": True, "identity": "Q"}, wrong], title="T", aim="as asked", ok=False)
    assert view.html.index("Not as asked") < view.html.index("<details>")
    assert "1 of 2 properties are as asked" in view.text and "runbook-error" in view.html
    whole = checks_view([{**wrong, "ok": True}], title="T", aim="as asked", ok=True)
    assert "<details>" not in whole.html and "runbook-error" not in whole.html
    missing = checks_view([{**wrong, "ok": True}], title="T", aim="as asked", ok=False, beside=["P is not there"])
    assert "runbook-good" not in missing.html and "P is not there" in missing.html


def fields(**given: Any) -> dict[str, Any]:
    return {item.field.name: item for item in effective(library.load().all_fields(), given, {})}


def test_controls_fit_their_inputs_and_correct_nothing() -> None:
    found = fields(rename=["UserNotifyUserRelease=A, B"])
    days = control(found["retention_days"])
    assert (type(days).__name__, days.value, days.description) == ("Text", "15", "Retention days")
    assert control(found["notification_frequency"]).options == tuple(
        (text, text) for text in ("4 hours", "1 day", "7 days")
    )
    assert control(found["add_second_rule"]).value is False
    rename = control(found["rename"])
    field = found["rename"].field
    assert field.check(typed(field, rename.value)) == ("UserNotifyUserRelease=A, B",), "a name may have a comma"
    assert typed(field, "a=b\n\n c=d, e ") == ["a=b", "c=d, e"], "an entry a line"


def test_what_may_be_given_is_said_once() -> None:
    field = fields()["retention_days"].field
    assert allowed(field) == "" and "1 to 30, recommended 15 to 30" in field.help
    assert field.recommended == (15, 30)
    assert allowed(replace(field, help="Days")) == "1 to 30 days, recommended 15 to 30"


def test_a_truth_is_shown_in_words() -> None:
    assert shown(fields()["add_second_rule"]) == ("no",)


def test_a_region_shows_its_addresses() -> None:
    assert len(resulting("egress_region", "us")) == 40
    assert len(resulting("egress_region", "europe")) == 42
    assert resulting("retention_days", 15) == ()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_button_acts_once_for_a_double_click_and_again_for_a_later_one() -> None:
    clock, done = Clock(), []
    button = Button("Go", lambda: done.append(clock.now), clock=clock)
    button.widget.click()
    button.enable(True)
    clock.now += 0.3
    button.widget.click()
    assert done == [0.0], "the second half of a double click"
    button.listen()
    button.widget.click()
    assert len(done) == 2, "something else was done in between"
    button.enable(True)
    clock.now += PAUSE_SECONDS
    button.widget.click()
    assert len(done) == 3


def test_clicks_from_many_threads_at_once_are_one() -> None:
    done: list[int] = []

    def act() -> None:
        done.append(1)
        time.sleep(0.2)

    button = Button("Go", act)
    threads = [threading.Thread(target=button.widget.click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [1]


def test_a_button_that_is_off_does_nothing_and_one_that_works_is_off() -> None:
    seen: list[bool] = []

    def act() -> None:
        seen.append(button.widget.disabled)
        button.widget.click()

    button = Button("Go", act)
    button.enable(False)
    button.widget.click()
    assert seen == []
    button.enable(True)
    button.widget.click()
    assert seen == [True]


@pytest.mark.parametrize("case", cases("standing.yaml"), ids=lambda case: str(case["name"]))
def test_how_a_walkthrough_stands(case: Mapping[str, Any]) -> None:
    sections = [section(item) for item in case["sections"]]
    assert list(standing(sections, 1, "failed")) == case["stands"], case["name"]


def section(short: Mapping[str, Any]) -> dict[str, Any]:
    plan = short["plan"]
    checks = [{"ok": short.get("verified")}]
    problems = [{"presence": name} for name in (plan or {}).get("problems", ())]
    only_left = bool(problems) and all(p["presence"] == "left" for p in problems)
    change = {"action": short.get("action", "update"), "properties": [{}], "observed": {}}
    return {
        "plan": None if plan is None else {"problems": problems, "changes": [change]},
        "made": [{}] * short.get("made", 0),
        "changes": [{"status": status} for status in short.get("changes", ())],
        "error": {"exit_code": 1} if short.get("error") else None,
        "verification": {"ok": short["verified"] and not only_left, "checks": checks} if "verified" in short else None,
    }
