"""The page over a fleet: nothing is left out, nothing unknown looks well, and it is quick for a thousand tenants."""

from __future__ import annotations

import html
import re
import time
from typing import Any

import pytest
from fleet import made
from outlooks import Elements

from runbook.fleet import changes
from runbook.fleet import page as fleet_page
from runbook.fleet.rows import GOOD, Place, badness, finished, not_started
from runbook.fleet.rows import summary as summed

FLEET = made.summary(200, part="the ring canary had 3 failures, and --max-failures is 2.")
BEFORE = made.summary(200, night=26)


def page_of(summary: Any, before: Any = None) -> str:
    return fleet_page.page(summary, None if before is None else changes.since(before, summary))


def cells_of(row: str) -> list[str]:
    return [" ".join(re.sub(r"<[^>]*>", " ", html.unescape(cell)).split()) for cell in re.split(r"<t[dh][ >]", row)[1:]]


def rows_of(text: str, table: str) -> list[list[str]]:
    body = re.search(rf"{table}.*?<tbody>(.*?)</table>", text, re.DOTALL)
    assert body, table
    return [cells_of(row) for row in re.split(r"<tr[^>]*>", body[1])[1:]]


@pytest.mark.parametrize("order", ["worst", "name", "ring"])
def test_every_tenant_is_in_every_order(order: str) -> None:
    rows = rows_of(page_of(FLEET), f'id="{order}"')
    names = [row[0].removesuffix(" no record") for row in rows]
    assert sorted(names) == sorted(row["tenant"] for row in FLEET["tenants"])
    if order == "name":
        assert names == sorted(names)
    elif order == "worst":
        assert names == [row["tenant"] for row in sorted(FLEET["tenants"], key=badness)]
    else:
        rings = [row[1].split(" schools")[0] for row in rows]
        assert list(dict.fromkeys(rings)) == ["canary", "first ring", "everybody"]
        assert rings == sorted(rings, key=["canary", "first ring", "everybody"].index)
        assert rows[0][2] not in GOOD


def test_a_row_says_what_the_summary_says() -> None:
    shown = {row[0].removesuffix(" no record"): row for row in rows_of(page_of(FLEET), 'id="worst"')}
    for row in FLEET["tenants"]:
        line = shown[row["tenant"]]
        assert (line[2], line[-1]) == (row["status"], row["reason"]), row
        if not row["sections"]:
            assert set(line[3:8]) == {"not known"}
        for item, cell in zip(row["sections"], line[3:8], strict=False):
            counted = {"not as asked": f"{item['drift']} not as asked"}
            assert cell == counted.get(item["found"], item["found"]), row
        told = row["outlook"] and f"{row['outlook']['kept']} of {sum(row['outlook'].values())}"
        assert line[8] == (told or "")


def test_only_what_is_well_looks_well() -> None:
    text = page_of(FLEET)
    assert set(re.findall(r'badge good">([^<]*)<', text)) == {"unchanged"}
    loud = set(re.findall(r'<td><span class="badge attention">([^<]*)<', text))
    assert not loud & {"verified", "as wanted", "not run", "not known"}
    assert {"interrupted", "failed", "unknown", "3 not as asked", "left to a person", "not verified"} <= loud


def test_counts_add_up_and_the_headline_says_who_needs_a_person() -> None:
    text = page_of(FLEET)
    counted = {row[0].split(">")[-1]: int(row[1].split(">")[-1]) for row in rows_of(text, "narrow counts")}
    assert counted == FLEET["counts"] and sum(counted.values()) == 200
    bad = sum(row["status"] not in GOOD for row in FLEET["tenants"])
    assert f"{bad} of 200 tenants need a person. It stopped early: the ring canary had 3 failures" in text
    rings = [[int(cell.split(">")[-1]) for cell in row[1:]] for row in rows_of(text, "narrow rings")]
    assert sum(row[0] for row in rings) == 200
    assert all(total == good + person + idle for total, good, person, idle in rings)


def test_tenants_with_the_same_reason_stand_together() -> None:
    place = {name: Place(tenant=name, group="all", ring="all") for name in "abcdefghij"}
    idle = [not_started(place[name], f"the ring before {name} was stopped") for name in "abcdefgh"]
    drift = finished(place["i"], made.result("i", "verify", "drift", 3, ["drift"]))
    text = page_of(_summed([drift, *idle]))
    said = re.findall(r"<li><p>(.*?)(?=<li>|</ul>)", text.split('class="plain needs"')[1], re.DOTALL)
    shown = [" ".join(re.sub(r"<[^>]*>", " ", item).split()) for item in said]
    assert shown == [
        "not started a , b , c , d , e , f and 2 more Not started: the ring before this tenant was stopped.",
        f"drift i {drift['reason']}",
    ]


def _summed(rows: list[Any], mode: str = "verify") -> dict[str, Any]:
    return summed(
        rows, fleet="20261127T223000Z-verify-000001", mode=mode, inventory="i.yaml", tutorial="t",
        started="2026-11-27T22:30:00Z", ended="2026-11-27T22:31:00Z", why="",
    )  # fmt: skip


def test_what_changed_since_is_said_or_that_nobody_knows() -> None:
    assert "There is no earlier run of this inventory in this mode" in page_of(FLEET)
    assert "Nothing. Compared with" in page_of(FLEET, {**FLEET, "fleet": "earlier"})
    rows = {row[0]: row for row in rows_of(page_of(FLEET, BEFORE), 'class="since"')}
    found = changes.since(BEFORE, FLEET)
    assert rows["Worse"][1].split(">")[-1] == str(len(found.worse))
    assert rows["Better"][1].split(">")[-1] == str(len(found.better))
    first = found.drifted[0]
    assert f"{first.tenant}: {first.title} ({first.count} not as asked)" in rows["Drifted since"][2]
    assert f"and {len(found.worse) - 10} more" in rows["Worse"][2]


def test_all_well_is_said_plainly() -> None:
    rows = [
        finished(
            Place(tenant=name, group="all", ring="all"), made.result(name, "apply", "changed", 0, ["changed", "manual"])
        )
        for name in ("a", "b")
    ]
    text = page_of(_summed(rows, "apply"))
    assert "All is as asked on 2 tenants; nobody has to look at anything." in text
    assert "What needs a person" not in text and "Ring by ring" not in text
    assert rows_of(text, 'id="worst"')[0][3:5] == ["1 changed, verified", "nothing to check"]


def test_links_lead_to_the_records_beside_the_fleets() -> None:
    text = page_of(FLEET)
    runs = {row["run"] for row in FLEET["tenants"] if row["run"]}
    assert set(re.findall(r'href="([^#"][^"]*)"', text)) == {f"../../{run}/record.html" for run in runs}
    elsewhere = fleet_page.page(FLEET, record=lambda run: "")
    assert not re.findall(r'href="([^#"][^"]*)"', elsewhere) and "no record" in elsewhere


def test_it_stands_alone() -> None:
    text = page_of(FLEET, BEFORE)
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://| on\w+=| style=", text)
    assert "default-src 'none'; style-src 'sha256-" in text


def test_names_that_mean_harm_are_text() -> None:
    bad = '</style><script>alert(1)</script>"\u202e;}\\x\n'
    row = finished(
        Place(tenant=bad, group=bad, ring=bad + "x"),
        made.result("x", "verify", "drift", 3, ["drift"], run='"><b>'),
    )
    row["sections"][0]["title"] = bad
    row["reason"] = bad
    text = page_of(_summed([row, not_started(Place(tenant="y", group=bad, ring=bad), bad)]))
    tame = page_of(_summed([{**row, "tenant": "x", "group": "g", "ring": "r"}, not_started(PLACE, "w")]))
    assert "\u202e" not in text and "<script" not in text
    assert Elements(text).made <= Elements(tame).made
    style = text[text.index("<style>") : text.index("</style>")]
    assert bad[:8] not in style and text.count("</style>") == 1


PLACE = Place(tenant="y", group="other", ring="first")


def test_a_thousand_tenants_take_less_than_two_seconds_of_work() -> None:
    fleet, before = made.summary(1000), made.summary(1000, night=26)
    began = time.process_time()
    text = page_of(fleet, before)
    assert time.process_time() - began < 2
    assert len(text.encode()) < 1_200_000
