"""Many tenants, the same verification four ways: the kit's fleet, papermill typed, papermill's API, a bare script.

    make bench                                        (or: python tests/benchmarks/fleet.py --help)
    python tests/benchmarks/fleet.py --tenants 1 20 --workers 1 2 --latency-ms 1 300

(a)  ``papermill`` and ``jupyter nbconvert`` for every notebook of every tenant, as somebody types them
(b)  papermill's API in one process a worker, with one nbconvert exporter
(s)  a script that does the same calls and writes one page a tenant (``bare.py``), with pandas and msal
kit  ``runbook fleet verify``: a process and a record for every tenant, journals, manifests, one page over all

All on the same notebooks and the same simulated tenants, which one process serves outside the measurement. Ratios are
taken within one round, since shared machines drift; CPU is user and system time of the whole process tree. Memory is
sampled in a round of its own, for to look at many processes costs more than some of what is measured. A worker is a
core: with one worker all of a way's processes share one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from goals import GOALS, NAMES, NOTEBOOKS
from measuring import Cost, measure

from runbook import simulated
from simtenant import state

HERE = Path(__file__).resolve().parent
WAYS = ("kit", "a", "b", "s")


class Bench:
    """Simulated tenants in a folder, converged once or as they are made, and the ways to verify them."""

    def __init__(self, folder: Path, count: int, *, converged: bool = True) -> None:
        self.folder = folder
        self.converged = converged
        self.names = [f"t{number:04}" for number in range(count)]
        self.messages: dict[str, list[Any]] = {}
        self.environment = {
            **os.environ,
            "RUNBOOK_STATE": str(folder / "state"),
            "RUNBOOK_RUNS": str(folder / "runs"),
            "RUNBOOK_TENANTS": str(folder / "tenants.yaml"),
        }
        simulated.make_many([self.far(name) for name in self.names])
        entries = "".join(f"  {name}: {{simulated: {{state: {self.far(name)}}}}}\n" for name in self.names)
        (folder / "tenants.yaml").write_text(f"tenants:\n{entries}")
        (folder / "fleet.yaml").write_text("tenants:\n" + "".join(f"  {name}: {{}}\n" for name in self.names))

    def far(self, name: str) -> Path:
        return self.folder / "far" / name

    @contextmanager
    def served(self, latency_ms: float) -> Iterator[int]:
        with simulated.serving_many([self.far(name) for name in self.names], latency_ms=latency_ms):
            yield int(simulated.read_address(self.far(self.names[0]))["pid"])

    def converge(self) -> None:
        """Set every tenant up once, so that what is measured finds all as it should be."""
        self.fleet("plan", expected=3)
        summary = next(self.folder.glob("runs/fleets/*-plan-*/summary.json"))
        self.fleet("apply", "--approve", json.loads(summary.read_text())["plans_hash"])
        before = {name: len(state.messages_log(self.far(name), 0)) for name in self.names}
        self.fleet("verify")
        for name in self.names:  # the script hands over the same test messages
            url = simulated.read_address(self.far(name))["url"]
            with urllib.request.urlopen(f"{url}/_sim/messages?since={before[name]}") as answer:
                sent = [row["message"] for row in json.load(answer)]
            self.messages[name] = [[{k: v for k, v in message.items() if k != "now"} for message in sent]]

    def fleet(self, command: str, *more: str, expected: int = 0) -> None:
        words = [sys.executable, "-m", "runbook", "fleet", command, "fleet.yaml", "-q", *more]
        self.command(*words, expected=expected)

    def command(self, *words: str, expected: int = 0) -> str:
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment, cwd=self.folder)
        if done.returncode != expected:
            raise SystemExit(f"{' '.join(words[:6])} exited {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def way(self, name: str, workers: int, in_flight: int) -> Callable[[], None]:
        """Return the work of one way; what it needs is made ready before."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / "out").mkdir()
        if name == "kit":
            words = ("verify", "--workers", str(workers), "--in-flight", str(in_flight))
            return lambda: self.fleet(*words, expected=0 if self.converged else 3)
        side_by_side = in_flight if in_flight > workers * 10 or self.latency >= 100 else workers
        if name == "a":
            return lambda: self._typed(side_by_side)
        if name == "b":
            return lambda: self._by_api(side_by_side)
        self._describe_for_the_script()
        words = (sys.executable, str(HERE / "bare.py"), "script.json", "out", "--at-once", str(side_by_side))
        return lambda: self.command(*words)

    latency: float = 1

    def _typed(self, side_by_side: int) -> None:
        def one(name: str) -> None:
            run_dir = self.folder / "out" / name
            run_dir.mkdir()
            for notebook in NOTEBOOKS:
                output = str(run_dir / notebook.name)
                given = ["-p", "tenant", name, "-p", "mode", "verify", "-p", "run_dir", str(run_dir)]
                self.command(sys.executable, "-m", "papermill", str(notebook), output, *given)
                self.command(sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", output)

        with ThreadPoolExecutor(side_by_side) as pool:
            list(pool.map(one, self.names))

    def _by_api(self, side_by_side: int) -> None:
        def part(number: int) -> None:
            names = self.folder / f"names-{number}.json"
            names.write_text(json.dumps(self.names[number::side_by_side]))
            self.command(sys.executable, str(HERE / "api.py"), str(names), str(self.folder / "out"))

        with ThreadPoolExecutor(side_by_side) as pool:
            list(pool.map(part, range(min(side_by_side, len(self.names)))))

    def _describe_for_the_script(self) -> None:
        found = []
        for name in self.names:
            known = simulated.credentials(self.far(name))
            url = simulated.read_address(self.far(name))["url"]
            found.append({"name": name, "gateway": url, "messages": self.messages.get(name, []), **known})
        (self.folder / "script.json").write_text(json.dumps(found))

    def check(self, way: str) -> Counter[tuple[Any, ...]]:
        """Return what the first tenant was asked, by its own log; the same for all ways, or nothing was compared."""
        return asked(self.far(self.names[0]))

    def forget(self) -> None:
        for name in self.names:
            state.forget_log(self.far(name))


def asked(directory: Path) -> Counter[tuple[Any, ...]]:
    rows = simulated.requests_log(directory)
    return Counter((row["method"], row["host"], row["cmdlet"] or row["path"]) for row in rows)


def calls_are_the_same(bench: Bench, ways: Sequence[str]) -> None:
    """Hold the calls of every way against each other, by the log of a simulated tenant that is asked once by each.

    Sign-ins are told apart: papermill gives each notebook a kernel of its own, which has to sign in for itself, while
    the kit and the script sign in once for a tenant.
    """
    found = {}
    for way in ways:
        bench.forget()
        bench.way(way, 1, 1)()
        found[way] = bench.check(way)
    without = {
        way: Counter({call: n for call, n in calls.items() if not _signs_in(call)}) for way, calls in found.items()
    }
    for way, counted in without.items():
        if counted != without["kit"]:
            more, less = counted - without["kit"], without["kit"] - counted
            raise SystemExit(f"{NAMES[way]} does not make the same calls: more {dict(more)}, less {dict(less)}")
    signed = ", ".join(f"{NAMES[way]} {(calls - without[way]).total()}" for way, calls in found.items())
    print(f"all ways made the same {without['kit'].total()} calls to a tenant; calls to sign in: {signed}\n")


def _signs_in(call: tuple[Any, ...]) -> bool:
    return call[1] == "login.microsoftonline.com"


_SELDOM_SECONDS = 1.0
"""How often memory is looked at in the one round of many tenants, which is timed as well."""


def on_cores(count: int) -> None:
    os.sched_setaffinity(0, sorted(ALL_CORES)[:count])


ALL_CORES = os.sched_getaffinity(0)


def cell(bench: Bench, workers: int, latency: float, ways: Sequence[str], rounds: int, pid: int) -> dict[str, Cost]:
    """Measure all ways in turn, and return the median cost of each."""
    bench.latency = latency
    in_flight = len(bench.names) if latency >= 100 else 10 * workers
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    on_cores(workers)
    every = None if bench.converged else _SELDOM_SECONDS
    for _ in range(rounds):
        for way in ways:
            costs[way].append(measure(bench.way(way, workers, in_flight), [pid], every_seconds=every))
    if not bench.converged:
        on_cores(len(ALL_CORES))
        return {way: found[-1] for way, found in costs.items()}
    peaks = {
        way: measure(bench.way(way, workers, in_flight), [pid]).peak_megabytes for way in ways if way in ("kit", "s")
    }
    alone = measure(bench.way("kit", workers, 1), [pid]).peak_megabytes if in_flight > 1 and "kit" in ways else 0.0
    each = {"kit": (peaks["kit"] - alone) / (in_flight - 1)} if alone else {}
    on_cores(len(ALL_CORES))
    return {
        way: Cost(
            statistics.median(cost.wall_seconds for cost in found),
            statistics.median(cost.cpu_seconds for cost in found),
            peaks.get(way, 0.0),
            each.get(way, 0.0),
        )
        for way, found in costs.items()
    }


def show(tenants: int, workers: int, latency: float, costs: dict[str, Cost]) -> bool:
    print(f"{tenants} tenants, {workers} worker{'s' if workers > 1 else ''}, {latency:g} ms a call")
    for way, cost in costs.items():
        peak = f"{cost.peak_megabytes:8.0f} MB" if cost.peak_megabytes else " " * 11
        print(f"  {NAMES[way]:24} {cost.wall_seconds:8.2f} s wall {cost.cpu_seconds:8.2f} s CPU {peak}")
    good = True
    for goal in GOALS:
        if (goal.tenants, goal.latency) == (tenants, latency) and (told := goal.told(costs, tenants)):
            print(f"  {told[0]}")
            good = good and told[1]
    print()
    return good


def say_why(bench: Bench) -> None:
    """Print where the time of a tenant goes."""
    words = (sys.executable, str(HERE / "profiling.py"), "fleet.yaml", "profiles")
    print(bench.command(*words).partition("index.html\n")[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[1, 300])
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="the docs' table: one round, tenants as they are made")
    given = parser.parse_args()
    good = True
    for count in given.tenants:
        with tempfile.TemporaryDirectory() as name:
            bench = Bench(Path(name), count, converged=not given.table)
            with bench.served(0) if bench.converged else nullcontext():
                bench.converge() if bench.converged else None
                calls_are_the_same(
                    bench, [way for way in WAYS if way in given.ways]
                ) if count == 1 and bench.converged else None
            for latency in given.latency_ms:
                with bench.served(latency) as pid:
                    reached = True
                    for workers in given.workers:
                        ways = [way for way in WAYS if way in given.ways]
                        costs = cell(bench, workers, latency, ways, given.rounds, pid)
                        reached &= show(count, workers, latency, costs)
                    if not reached and bench.converged:
                        say_why(bench)
                    good &= reached
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
