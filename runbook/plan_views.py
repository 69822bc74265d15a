"""Show a plan where HTML can be shown: one small table a thing, before and after side by side, the unchanged folded.

Everything that a tenant or a document chose is escaped; there is no script and no style here. The text form is that of
terminals and logs (`views.plan_lines`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from runbook import portal
from runbook.difference import (
    ACTION_WORDS,
    Row,
    Side,
    Thing,
    counts_text,
    kind_title,
    lines_text,
    side,
    things,
)
from runbook.views import Hands, View, checks_lines, plain, plan_lines


def plan_view(plan: Mapping[str, Any], *, title: str, plan_hash: str, hands: Hands) -> View:
    """Show a plan (its JSON form) and its hash, with the same changes as command lines for a person."""
    text = "\n".join([*plan_lines(plan, title=title, hands=hands), f"plan {plan_hash}"])
    found = things(plan)
    changing = [thing for thing in found if thing.action != "none"]
    staying = [thing for thing in found if thing.action == "none"]
    html = [
        '<div class="runbook-difference">',
        f"<p><strong>{_safe(title)}</strong>: {_safe(counts_text(plan))}</p>",
        *(_problem(item) for item in plan["problems"]),
        *(_thing(thing) for thing in changing),
        _staying(staying),
        _hands(hands),
        f"<p>Plan <code>{_safe(plan_hash)}</code></p></div>",
    ]
    return View(text, "".join(html))


def checks_view(
    checks: Sequence[Mapping[str, Any]], *, title: str, aim: str, ok: bool, beside: Sequence[str] = ()
) -> View:
    """Show what was checked by fresh reads: what is not as it should be first, and then the rest is folded.

    `ok` says whether all is well, which the checks alone do not tell: a thing may be missing as a whole.
    """
    lines = checks_lines(checks, title=title, aim=aim, beside=beside)
    wrong, right = [c for c in checks if not c["ok"]], [c for c in checks if c["ok"]]
    html = [f'<div class="runbook-checks"><p class="runbook-{"good" if ok and not wrong else "error"}" role="status">'
            f"{_safe(lines[0])}</p>"]  # fmt: skip
    if wrong:
        html.append(_checks("✗ Not as asked", wrong, found=True))
    if right:
        table = _checks("✓ Read back as asked", right, found=False)
        html.append(f"<details><summary>✓ {len(right)} as asked</summary>{table}</details>" if wrong else table)
    html += [f"<p>{_safe(line.strip())}</p>" for line in beside]
    return View("\n".join(lines), "".join([*html, "</div>"]))


def _checks(caption: str, checks: Sequence[Mapping[str, Any]], *, found: bool) -> str:
    heads = ["What", "Setting", "Wanted", *(["Found"] if found else []), "Tutorial"]
    head = "".join(f'<th scope="col">{item}</th>' for item in heads)
    body = "".join(_check(check, found=found) for check in checks)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _check(check: Mapping[str, Any], *, found: bool) -> str:
    kind, name = check["kind"], check["name"]
    label = portal.label(kind, name)
    setting = f"{_safe(label)}<br><code>{_name(name)}</code>" if label else f"<code>{_name(name)}</code>"
    seen = f"<td><strong>{_name(check['found_text'])}</strong></td>" if found else ""
    return (
        f'<tr><th scope="row">{_safe(kind_title(kind))} {_name(check["identity"])}</th><td>{setting}</td>'
        f"<td>{_side(side(kind, name, check['wanted']))}</td>{seen}<td>{_safe(lines_text(check['lines']))}</td></tr>"
    )


def _safe(text: str) -> str:
    return escape(plain(text))


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _name(text: str) -> str:
    """A name of the API's, which may be broken where a new word begins in it and nowhere else."""
    return "<wbr>".join(_safe(part) for part in _HUMP.split(text))


def _problem(item: Mapping[str, Any]) -> str:
    sign, said = ("!", "in the way") if item.get("other") else ("?", "not plannable")
    name = f"{kind_title(item['kind'])} {item['identity']}"
    mark = f'<span class="runbook-sign">{sign}</span>'
    return f'<p class="runbook-problem">{mark} {_safe(name)}, {said}: {_safe(item["reason"])}</p>'


def _thing(thing: Thing) -> str:
    head = f"{_sign(thing)} {_safe(thing.title)} {ACTION_WORDS[thing.action]}: {_safe(_reason(thing))}"
    remarks = "".join(f"<p>{_safe(text)}</p>" for text in thing.remarks)
    if not thing.changed:
        return f"<p><strong>{head}</strong></p>{remarks}"
    table = _table(head, thing.changed, created=thing.action == "create")
    return table + _kept(thing.kept) + remarks


def _reason(thing: Thing) -> str:
    """Why it is changed, without the names of the properties, which stand in the table below."""
    return thing.reason.removesuffix(": " + ", ".join(row.name for row in thing.changed))


def _sign(thing: Thing) -> str:
    return f'<span class="runbook-sign runbook-{thing.action}">{_safe(thing.symbol)}</span>'


def _table(head: str, rows: Sequence[Row], *, created: bool) -> str:
    now = "" if created else '<th scope="col">Now</th>'
    after = "As created" if created else "Will be"
    body = "".join(_row(row, created=created) for row in rows)
    return (
        f'<table><caption>{head}</caption><thead><tr><th scope="col">Setting</th>{now}'
        f'<th scope="col">{after}</th><th scope="col">Tutorial</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _row(row: Row, *, created: bool) -> str:
    before = "" if created or row.before is None else f"<td>{_side(row.before)}</td>"
    remarks = "".join(f"<br><small>{_safe(text)}</small>" for text in row.remarks)
    return (
        f'<tr><th scope="row">{_named(row)}</th>{before}<td>{_side(row.after)}{remarks}</td>'
        f"<td>{_source(row)}</td></tr>"
    )


def _named(row: Row) -> str:
    return f"{_safe(row.label)}<br><code>{_name(row.name)}</code>" if row.label else f"<code>{_name(row.name)}</code>"


def _side(side: Side) -> str:
    return f"{_safe(side.portal)}<br><code>{_name(side.api)}</code>" if side.portal else _name(side.api)


def _source(row: Row) -> str:
    words = f"<br><small>{_safe(row.words)}</small>" if row.words else ""
    return f"{_safe(row.lines)}{words}"


def _kept(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    many = f"{len(rows)} settings stay as they are" if len(rows) > 1 else "1 setting stays as it is"
    items = "".join(f"<li>{_inline(row)}</li>" for row in rows)
    return f"<details><summary>= {many}</summary><ul>{items}</ul></details>"


def _inline(row: Row) -> str:
    name = f"{_safe(row.label)} (<code>{_name(row.name)}</code>)" if row.label else f"<code>{_name(row.name)}</code>"
    source = f" [{_safe(row.lines)}]" if row.lines else ""
    return f"{name}: {_safe(row.after.text)}{source}"


def _staying(found: Iterable[Thing]) -> str:
    found = list(found)
    if not found:
        return ""
    many = f"{len(found)} things stay as they are" if len(found) > 1 else f"{_safe(found[0].title)} stays as it is"
    items = "".join(
        f"<li>{_safe(thing.title)}: {_safe('; '.join([thing.reason, *thing.remarks]))}"
        f"{'<ul>' if thing.rows else ''}"
        f"{''.join(f'<li>{_inline(row)}</li>' for row in thing.rows)}{'</ul>' if thing.rows else ''}</li>"
        for thing in found
    )
    return f"<details><summary>= {many}</summary><ul>{items}</ul></details>"


def _hands(hands: Hands) -> str:
    if not hands:
        return ""
    lines = "\n".join(plain(line) for found in hands.values() for line in found)
    return f"<details><summary>The same by hand</summary><pre>{escape(lines)}</pre></details>"
