"""Write the table of runbook/docs/texts.md: what is understood of each text. `make texts` runs this.

With `--check` nothing is written, and the exit code is 1 if the page is not what it would be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from texts.holding import HOME, ROOT, SHARED, Held, cases, hold

from runbook.lexicon import load_lexicon

PAGE = ROOT / "runbook" / "docs" / "texts.md"
HEAD = """\
# What is understood of which text

Each text was read by a person who did not look at the compiler, and what it means was written down in
[tests/cases/texts](../../tests/cases/texts/README.md). This table holds the compiler against that; `make texts` writes
it, and a test holds it up to date. The given texts stand beside the project, not in it.

*Items*: places of the text that ask for a setting. *Bound*: they set the right parameter. *Inputs*: they ask for a
value. *Listed*: they are shown and set nothing, as a step for a person, a choice or a finding. *Wrong* and *lost* must
be 0: a wrong value or object, or an item that nothing shows. What a reader may as well take for mere prose counts as
an item and as nothing else where it is not shown. *Manual*, *unknown* and *findings* count what the compile
shows as steps for a person, as not understood, and as diagnostics. *Refused*: no section of the text has a step.

| text | items | bound | inputs | listed | wrong | lost | manual | unknown | findings | every line has its class |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
"""


def page() -> str:
    """Return the page as it should be now."""
    lexicon = load_lexicon()
    return HEAD + "\n".join(_rows([hold(path, lexicon) for path in cases()])) + "\n"


def _rows(held: list[Held]) -> Iterator[str]:
    for one in held:
        counts = [one.items, one.bound, one.inputs, one.listed, len(one.wrong), len(one.lost)]
        counts += [one.manual, one.unknown, one.diagnostics]
        end = "refused" if one.refused else "yes" if one.ledger else "NO"
        yield f"| {one.name.removeprefix('../')} | {' | '.join(map(str, counts))} | {end} |"
    sums = [sum(getattr(one, name) for one in held) for name in ("items", "bound", "inputs", "listed")]
    sums += [sum(len(one.wrong) for one in held), sum(len(one.lost) for one in held)]
    sums += [sum(getattr(one, name) for one in held) for name in ("manual", "unknown", "diagnostics")]
    yield f"| **all {len(held)}** | {' | '.join(map(str, sums))} | |"


def main() -> int:
    """Write or check the page. Needs the shared folder."""
    if not SHARED.exists():
        print(f"The given texts are not beside this checkout ({HOME.name} alone would make half a table).")
        return 2
    text = page()
    if "--check" in sys.argv[1:]:
        same = PAGE.read_text(encoding="utf-8") == text
        print("The page is up to date." if same else "The page is not up to date: run `make texts`.")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    print(text[len(HEAD) :])
    return 0


if __name__ == "__main__":
    sys.exit(main())
