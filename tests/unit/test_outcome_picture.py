"""The picture of where mail lands: whole in words, drawn as it is predicted, and inert."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from outlooks import CASES, DIRECTION, PICTURE, SHOWN, outlook

from runbook.outcome_picture import STROKES, WIDTH, caption, picture, sentences, shown_rows, style


def test_every_outlook_is_tested() -> None:
    assert {path.stem for path in CASES.glob("*.json")} == set(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_xml_of_these_elements_alone(name: str) -> None:
    drawn = picture(outlook(name))
    for element in ElementTree.fromstring(drawn).iter():
        assert set(element.attrib) <= PICTURE[element.tag], (name, element.tag, element.attrib)
        for attribute in ("fill", "stroke"):
            assert element.get(attribute) in (None, "none", "currentColor"), (name, element.attrib)
    assert not re.search(r"url\(|https?:(?!//x\.example)|<a |<script", drawn), name
    assert [char for char in drawn if char in DIRECTION or not char.isprintable()] == [], name


@pytest.mark.parametrize("name", SHOWN)
def test_who_cannot_see_it_is_told_the_same(name: str) -> None:
    found = outlook(name)
    root = ElementTree.fromstring(picture(found))
    title, about = root[0], root[1]
    assert (root.get("role"), title.tag, about.tag) == ("img", "title", "desc")
    assert (root.get("aria-labelledby"), root.get("aria-describedby")) == (title.get("id"), about.get("id"))
    assert title.text
    said = sentences(found)
    assert len(said) == len(SHOWN[name]["drawn"])
    for row, sentence in zip(shown_rows(found), said, strict=True):
        assert row["before"]["text"] in sentence and row["after"]["text"] in sentence, name
        assert all(item["place"] in sentence for item in row["promised"]), name
        if row["promised"]:
            assert f"predicted {({True: 'kept', False: 'not kept', None: 'not known'})[row['kept']]}" in sentence, name
        if name != "hostile":
            assert sentence in (about.text or ""), name


@pytest.mark.parametrize("name", SHOWN)
def test_a_line_says_what_is_predicted_of_the_promise(name: str) -> None:
    found = outlook(name)
    assert {row["disposition"]: style(row) for row in shown_rows(found)} == SHOWN[name]["drawn"]
    root = ElementTree.fromstring(picture(found))
    lines = [item for item in root.iter("path") if item.get("stroke") and "C" in item.attrib["d"]]
    right = [item for item in lines if float(item.attrib["d"][1:].split()[0]) > WIDTH / 2]
    expected = [
        ElementTree.fromstring(f"<path {STROKES[style(row)][0]}/>").attrib
        for row in shown_rows(found)
        for _ in {(item["place"], str(item["user_may"])) for item in row["after"]["endings"]}
    ]
    names = ("stroke-width", "stroke-dasharray", "stroke-linecap")
    assert [{key: item.attrib[key] for key in names if key in item.attrib} for item in right] == expected, name
    words = [item.text for item in root.iter("text")]
    assert [meaning for _, meaning in STROKES.values() if meaning not in words] == [], "the legend"


@pytest.mark.parametrize("name", SHOWN)
def test_everything_is_inside_and_nothing_overlaps(name: str) -> None:
    root = ElementTree.fromstring(picture(outlook(name)))
    width, height = (float(item) for item in root.attrib["viewBox"].split()[2:])
    boxes = [tuple(float(item.attrib[key]) for key in ("x", "y", "width", "height")) for item in root.iter("rect")]
    for x, y, wide, high in boxes:
        assert x >= 0 and y >= 0 and x + wide <= width and y + high <= height, name
    for number, (x, y, _, high) in enumerate(boxes):
        for other_x, other_y, _, other_high in boxes[number + 1 :]:
            assert other_x != x or other_y >= y + high or other_y + other_high <= y, name
    # At 320 pixels, of which a record leaves 300 to it, letters are at least 9 pixels high.
    assert float(root.attrib["font-size"]) * 300 / width >= 9


@pytest.mark.parametrize("name", SHOWN)
def test_the_caption_says_whose_mail_it_is_and_who_differs(name: str) -> None:
    assert caption(outlook(name)) == SHOWN[name]["caption"]


def test_equal_outlooks_give_equal_pictures_and_others_other_ids() -> None:
    ids = {name: ElementTree.fromstring(picture(outlook(name))).get("aria-labelledby") for name in SHOWN}
    assert len(set(ids.values())) == len(SHOWN)
    assert picture(outlook("presets")) == picture(outlook("presets"))


def test_without_a_row_nothing_is_drawn() -> None:
    found = {**outlook("presets"), "rows": []}
    assert (picture(found), sentences(found)) == ("", [])
    assert "nothing is drawn" in caption(found)
