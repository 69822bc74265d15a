"""One tenant, five notebooks and their record: our apply beside papermill and nbconvert as somebody types them.

    make bench            (or: python tests/benchmarks/bench.py --rounds 5)

Both do the same work on the same notebooks against the same simulated tenant, which is served by a process
outside the measurement: sign in, read, apply the approved plan, verify, write HTML. The two are run in turn,
and the ratio is taken round by round, because shared machines drift. CPU is user and system time of the whole
process tree; memory is the peak of the tree's proportional set size, sampled every 20 ms (Linux).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Cost, measure

from runbook import simulated
from runbook.runs import approval_for, plans, write_json

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0[1-9]-*.ipynb"))
GOAL = 4.0


class Bench:
    """A simulated tenant that is set back before every round, and the two ways to set it up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state" / "simulated" / "demo"
        self.environment = {
            **os.environ,
            "RUNBOOK_STATE": str(folder / "state"),
            "RUNBOOK_RUNS": str(folder / "runs"),
        }
        os.environ.update(self.environment)

    def command(self, *arguments: str) -> None:
        done = subprocess.run(arguments, capture_output=True, text=True, env=self.environment, cwd=self.folder)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments[:4])} exited {done.returncode}:\n{done.stdout}{done.stderr}")

    def prepare(self) -> str:
        """Set the tenant back, make a plan, and return its hash."""
        simulated.reset(self.state)
        subprocess.run(
            [sys.executable, "-m", "runbook", "plan", "--tenant", "demo", "-q"],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        return str(next(plans(self.folder / "runs"))[1]["hash"])

    def ours(self, plan_hash: str) -> None:
        self.command(sys.executable, "-m", "runbook", "apply", "--tenant", "demo", "--approve", plan_hash, "-q")

    def typed(self, plan_hash: str) -> None:
        run_dir = self.folder / "typed"
        shutil.rmtree(run_dir, ignore_errors=True)
        write_json(run_dir / "approval.json", approval_for(plan_hash, "demo", self.folder / "runs"))
        for notebook in NOTEBOOKS:
            output = str(run_dir / notebook.name)
            given = ["-p", "mode", "apply", "-p", "run_dir", str(run_dir)]
            self.command(sys.executable, "-m", "papermill", str(notebook), output, *given)
            self.command(sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", output)

    def check(self) -> None:
        """Both must have done the work: the tenant holds the rule, enabled."""
        rules = {item["Name"]: item["State"] for item in simulated.objects(self.state)["TransportRule"]}
        if rules.get("Area 1 Deliver to Junk Email folder") != "Enabled":
            raise SystemExit("the tenant was not set up: nothing was measured")


def table(name: str, costs: list[Cost]) -> str:
    wall, cpu, peak = (
        statistics.median(getattr(cost, field) for cost in costs)
        for field in ("wall_seconds", "cpu_seconds", "peak_megabytes")
    )
    return f"{name:34} {wall:8.2f} s {cpu:8.2f} s {peak:8.0f} MB"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each (default 5)")
    rounds = parser.parse_args().rounds
    ours: list[Cost] = []
    typed: list[Cost] = []
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        server = simulated.start(bench.state)
        pid = int(simulated.read_address(bench.state)["pid"])
        try:
            for number in range(rounds + 1):  # the first round warms the caches and is not counted
                for costs, work in ((typed, bench.typed), (ours, bench.ours)):
                    plan_hash = bench.prepare()
                    cost = measure(lambda work=work, plan_hash=plan_hash: work(plan_hash), [pid])  # type: ignore[misc]
                    bench.check()
                    if number:
                        costs.append(cost)
        finally:
            server.stop()
    print(f"one tenant, {len(NOTEBOOKS)} notebooks and the record, median of {rounds} rounds\n")
    print(f"{'':34} {'wall':>10} {'CPU':>10} {'peak PSS':>11}")
    print(table("papermill and nbconvert, typed 5x", typed))
    print(table("runbook apply", ours))
    ratios = [a.wall_seconds / b.wall_seconds for a, b in zip(typed, ours, strict=True)]
    cpu = [a.cpu_seconds / b.cpu_seconds for a, b in zip(typed, ours, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"\nfaster by {ratio:.1f} times in wall time (from {min(ratios):.1f} to {max(ratios):.1f}), "
        f"{statistics.median(cpu):.1f} times in CPU time"
    )
    print(f"goal of at least {GOAL:g} times: {'reached' if ratio >= GOAL else 'NOT reached'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
