"""Alter many texts, one way at a time, and count what their compiles set: never more, and never anything else.

python tests/altered/sweep.py --count 2000            prints a row for each way of altering, and every finding
python tests/altered/sweep.py --count 200 --seed 7 --only "one of two"
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from altered.altering import ALTERATIONS, alter
from altered.judging import Judged, Source, judge, sources
from altered.laid_out import Altered

from runbook.lexicon import load_lexicon

SLOWEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One altered text, and what became of it."""

    source: Source
    altered: Altered
    judged: Judged
    seconds: float


def tries(count: int, seed: int, only: Sequence[str] = (), among: Sequence[Source] = ()) -> Iterator[Tried]:
    """Yield `count` altered texts, the ways in turn; the same for the same seed and the same texts."""
    lexicon = load_lexicon()
    texts = list(among) or list(sources(lexicon))
    chance = random.Random(seed)
    names = list(only) or list(ALTERATIONS)
    made = missed = 0
    while made < count and missed < 200 * len(names):
        name = names[(made + missed) % len(names)]
        # The longer texts have more to alter, and are what people carry out.
        source = chance.choices(texts, weights=[text.count for text in texts])[0]
        altered = alter(name, source.lines, random.Random(chance.getrandbits(64)))
        if altered is None:
            missed += 1
            continue
        made += 1
        begun = time.perf_counter()
        judged = judge(source, altered, lexicon)
        yield Tried(source=source, altered=altered, judged=judged, seconds=time.perf_counter() - begun)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], choices=list(ALTERATIONS))
    parser.add_argument("--show", type=int, default=40, help="findings to print, at most")
    given = parser.parse_args()
    rows: dict[str, Counter[str]] = {name: Counter() for name in given.only or ALTERATIONS}
    findings: list[Tried] = []
    for tried in tries(given.count, given.seed, given.only):
        judged, row = tried.judged, rows[tried.altered.alteration]
        row["texts"] += 1
        row["bound"] += judged.bound
        row["fewer"] += judged.fewer
        row["wrong"] += bool(judged.wrong)
        row["unreadable"] += judged.unreadable
        row["crashed"] += bool(judged.crashed)
        row["slow"] += tried.seconds > SLOWEST_SECONDS
        if judged.wrong or judged.crashed:
            findings.append(tried)
    print(table(rows))
    for tried in findings[: given.show]:
        print(f"\n{tried.altered.alteration}: {tried.source.name}, line {tried.altered.touched}")
        for line in (*tried.judged.wrong, *filter(None, [tried.judged.crashed])):
            print(f"    {line}")
        for at in tried.altered.touched[:4]:
            print(f"    was: {tried.source.lines[at - 1]}")
        for line in [line for line in tried.altered.lines if line not in tried.source.lines][:5]:
            print(f"    now: {line}")
    return 1 if findings else 0


def table(rows: dict[str, Counter[str]]) -> str:
    """Write the counts as a table, with the sum below."""
    heads = ("texts", "bound", "fewer", "wrong", "unreadable", "crashed", "slow")
    total: Counter[str] = sum(rows.values(), Counter())
    lines = [f"{'alteration':<24}" + "".join(f"{head:>12}" for head in heads)]
    for name, row in (*rows.items(), ("all", total)):
        lines.append(f"{name:<24}" + "".join(f"{row[head]:>12}" for head in heads))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
