"""Change each wire constant of the client, one at a time, and see which changes the wire tests catch.

    python tests/wire/mutation/check.py [--list] [--module NAME] [--sample COUNT --seed NUMBER]

Prints the count of constants, the survivors by name and the share that was caught; ends with 1 below 95 %.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOAL = 0.95


def main(arguments: list[str]) -> int:
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "lib")]
    from wire import client_stage, made_certificate
    from wire.mutation.run_mutants import Trial, survivors
    from wire.mutation.wire_constants import constants

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="only print the constants")
    parser.add_argument("--module", help="only those of one module, such as exchange or signin/door")
    parser.add_argument("--sample", type=int, help="only so many of them, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    found = [constant for constant in constants() if options.module in (None, constant.module)]
    if options.sample is not None:
        found = random.Random(options.seed).sample(found, min(options.sample, len(found)))
    per_module = collections.Counter(constant.module for constant in found)
    print(f"{len(found)} wire constants: " + ", ".join(f"{name} {count}" for name, count in per_module.items()))
    if options.list:
        print("\n".join(constant.name for constant in found))
        return 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        certificate = made_certificate.make(Path(folder) / "app.pem", begin=client_stage.START - 86400)
        trial = Trial(cases=list(client_stage.cases()), certificate=certificate)
        failing = [name for name, case in trial.cases if list(client_stage.departures(case, certificate))]
        if failing:
            print("The client as it is fails: " + ", ".join(failing))
            return 1
        controls = found[:: max(1, len(found) // 3)]
        if survivors(controls, trial, really=False) != controls:
            print("A client without any change is caught: the check itself is broken.")
            return 1
        alive = survivors(found, trial)
    for constant in alive:
        print(f"survived: {constant.name}")
    share = 1 - len(alive) / len(found)
    print(f"caught {len(found) - len(alive)} of {len(found)} ({share:.1%}) in {time.monotonic() - started:.0f} s")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
