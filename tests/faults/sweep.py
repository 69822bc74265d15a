"""Break every call of a run, one at a time and in every way; go on with the run; and look at what is left.

A point is a run (apply or rollback), a call of it and a way of breaking that call. After it the run is resumed, and
then must hold: the tenant is what an unbroken run makes of it, nothing is there twice, everybody else's objects are the
same to the byte, the journal's chain is whole, and the record of each attempt claims nothing that is not so.

    python tests/faults/sweep.py                    every point; prints how many were tried and how many held
    python tests/faults/sweep.py --sample 50 --seed 7
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook import journal, simulated
from runbook.archive.check import check
from runbook.run import preload, run
from runbook.runs import read_json
from runbook.task import Request

TENANT = "demo"
HANGS_SECONDS = 1.2
TIMEOUT_SECONDS = 0.4
STAMPS = ("WhenChanged", "WhenCreated", "WhenChangedUTC", "WhenCreatedUTC", "modified_at")
WAYS: Mapping[str, Mapping[str, Any]] = {
    "refused connection": {"kind": "refuse"},
    "cut before it took effect": {"kind": "drop-before"},
    "cut after it took effect": {"kind": "drop-after"},
    "time-out before it took effect": {"kind": "timeout-before", "seconds": HANGS_SECONDS},
    "time-out after it took effect": {"kind": "timeout-after", "seconds": HANGS_SECONDS},
    "401 expired": {"kind": "expired-token", "times": 2},
    "429": {"kind": "throttle", "retry_after": 0, "times": 4},
    "500": {"kind": "status", "status": 500, "retry_after": 0, "times": 4},
    "503 after it took effect": {"kind": "status-after", "status": 503, "retry_after": 0, "times": 4},
    "not JSON": {"kind": "not-json"},
    "half of the JSON": {"kind": "malformed"},
    "kill -9 before it took effect": {"kind": "timeout-before", "seconds": 30, "killed": True},
    "kill -9 after it took effect": {"kind": "timeout-after", "seconds": 30, "killed": True},
}


@dataclass(frozen=True)
class Point:
    """One call to break, and how."""

    course: str
    """apply or rollback."""
    call: int
    way: str

    def __str__(self) -> str:
        return f"{self.course}, call {self.call}, {self.way}"


class FarEnd:
    """The simulated tenant that all points share, by its control endpoint."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self._url}/_sim/{path}", data=data, method=method), timeout=20
        ) as answer:
            return json.load(answer)

    def calls(self) -> int:
        rows = self.ask("GET", "log")
        return int(rows[-1]["n"]) if rows else 0

    def struck(self) -> bool:
        return any(row["struck"] for row in self.ask("GET", "faults"))

    def objects(self) -> dict[str, Any]:
        return {key: json.loads(text) for key, text in self.ask("GET", "objects").items()}


@dataclass(frozen=True)
class Scene:
    """What the points of one course begin with, and what an unbroken run makes of it."""

    course: str
    start: str
    """Name of the far end's snapshot."""
    runs: Path
    """Folder of runs to begin with: the plan, and for a rollback the run to be taken back."""
    request: Request
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    calls: int


def plain(objects: Mapping[str, Any]) -> dict[str, Any]:
    """Objects without the stamps that every write moves, and without what is not set."""
    return {
        key: {name: value for name, value in body.items() if name not in STAMPS and value is not None}
        for key, body in objects.items()
    }


def in_child(function: Any) -> int:
    """Fork, run, and return the pid; the child's exit code is the run's, or 99 for an error that nobody foresaw."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(nothing, descriptor)
        code = function()
    except BaseException as error:
        code = getattr(error, "exit_code", 99)
        if code == 99:
            (Path(os.environ["RUNBOOK_RUNS"]) / "traceback.txt").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def finish(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def carried_out(request: Request) -> int:
    return finish(in_child(lambda: run(request).exit_code))


@contextlib.contextmanager
def runs_in(folder: Path) -> Iterator[None]:
    before = os.environ.get("RUNBOOK_RUNS")
    os.environ["RUNBOOK_RUNS"] = str(folder)
    try:
        yield
    finally:
        os.environ["RUNBOOK_RUNS"] = before or ""


def newest(folder: Path, part: str) -> Path:
    return max(folder.glob(f"*-{part}-*"), key=lambda path: path.stat().st_mtime_ns)


def scenes(far: FarEnd, work: Path) -> dict[str, Scene]:
    """Plan, apply, plan the way back and go it, unbroken; keep what is needed to begin each anew."""
    first = work / "first"
    first.mkdir()
    made = {}
    with runs_in(first):
        assert carried_out(Request(tenant=TENANT, mode="plan")) == 3
        far.ask("POST", "snapshot", {"name": "new"})
        begin = shutil.copytree(first, work / "begin-apply")
        request = Request(
            tenant=TENANT, mode="apply", approve=read_json(newest(first, "demo-plan") / "plan.json")["hash"]
        )
        made["apply"] = _scene(far, "apply", "new", begin, request)
        done = newest(first, "demo-apply")
        back = Request(tenant=TENANT, mode="plan", takes_back=done)
        assert carried_out(back) == 3
        far.ask("POST", "snapshot", {"name": "applied"})
        begin = shutil.copytree(first, work / "begin-rollback")
        plan_hash = read_json(newest(first, "rollback-plan") / "plan.json")["hash"]
        request = Request(tenant=TENANT, mode="apply", takes_back=done, approve=plan_hash)
        made["rollback"] = _scene(far, "rollback", "applied", begin, request)
    return made


def _scene(far: FarEnd, course: str, start: str, begin: Path, request: Request) -> Scene:
    before, count = far.objects(), far.calls()
    assert carried_out(request) == 0, f"the unbroken {course} does not work"
    return Scene(
        course=course,
        start=start,
        runs=begin,
        request=request,
        before=before,
        after=far.objects(),
        calls=far.calls() - count,
    )


def points(made: Mapping[str, Scene]) -> list[Point]:
    return [
        Point(course, call, way) for course, scene in made.items() for call in range(1, scene.calls + 1) for way in WAYS
    ]


def broken_at(point: Point, scene: Scene, far: FarEnd, folder: Path) -> list[str]:
    """Carry one point out, and return what does not hold; empty when all does."""
    shutil.copytree(scene.runs, folder)
    far.ask("POST", "restore", {"name": scene.start})
    way = dict(WAYS[point.way])
    killed = way.pop("killed", False)
    request = scene.request
    if request.takes_back is not None:
        request = Request(
            tenant=TENANT, mode="apply", takes_back=folder / request.takes_back.name, approve=request.approve
        )
    with runs_in(folder):
        far.ask("POST", "faults", [{"at": point.call, **way}])
        pid = in_child(lambda: run(request).exit_code)
        code = _killed(pid, far) if killed else finish(pid)
        struck = far.struck()
        far.ask("DELETE", "faults")
        path = newest(folder, "rollback-apply" if scene.course == "rollback" else "demo-apply")
        wrong = [] if struck else ["the fault never struck"]
        wrong += _claims(path, code, scene, far, killed=killed)
        last = _entries(path)[-1]
        ended_well = last["event"] == "run-finished" and last["data"]["exit_code"] == 0
        again = carried_out(Request(tenant=TENANT, mode="apply", resume=path))
        # A run that rode out its fault has ended; going on with it is refused, for nothing is left.
        if again != (4 if ended_well else 0):
            wrong.append(f"going on exited with {again} (the broken attempt with {code})")
        wrong += _end(path, scene, far)
        if (folder / "traceback.txt").is_file():
            wrong.append((folder / "traceback.txt").read_text()[-2000:])
    return wrong


def _killed(pid: int, far: FarEnd) -> int:
    """Kill the run, and all that belongs to it, as soon as the broken call was struck."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return -1
        if far.struck():
            os.killpg(pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    return finish(pid)


def _claims(path: Path, code: int, scene: Scene, far: FarEnd, *, killed: bool) -> list[str]:
    """What the broken attempt says of itself, held against the tenant as it is."""
    wrong = [f"journal: {error}" for error in _journal_errors(path)]
    record = path / "record.html"
    if not record.is_file():
        return [*wrong, "there is no record"]
    if killed:
        if (path / "result.json").is_file() and code != 0:
            return wrong  # it was killed after its end
        text = record.read_text(encoding="utf-8")
        return wrong if "not finished" in text else [*wrong, "the record of a killed run does not say so"]
    result = read_json(path / "result.json")
    if result["exit_code"] != code:
        wrong.append(f"the result says {result['exit_code']}, the run exited with {code}")
    now, end = plain(far.objects()), plain(scene.after)
    for item in result["sections"]:
        names = [change["identity"] for change in item["changes"] if change["status"] == "changed"]
        if item["verification"] and item["verification"]["ok"]:
            names += [entry["identity"] for entry in item["verification"]["checks"]]
        for name in set(names):
            if _of(now, name) != _of(end, name):
                wrong.append(f"the record says that {name} is done, and it is not")
    if code == 0 and now != end:
        wrong.append("the run exited with 0, and the tenant is not what it says")
    return wrong


def _of(objects: Mapping[str, Any], name: str) -> list[Any]:
    return [body for body in objects.values() if name in (body.get("Name"), body.get("domain"))]


def _entries(path: Path) -> list[dict[str, Any]]:
    return list(journal.read(path / "journal.jsonl", torn=True))


def _journal_errors(path: Path) -> list[str]:
    try:
        list(journal.read(path / "journal.jsonl"))
    except journal.JournalError as error:
        return [error.detail]
    return []


def _end(path: Path, scene: Scene, far: FarEnd) -> list[str]:
    """What must hold once the run has been gone on with."""
    now = far.objects()
    wrong = [f"journal after going on: {error}" for error in _journal_errors(path)]
    if plain(now) != plain(scene.after):
        keys = [key for key in {*now, *scene.after} if plain(now).get(key) != plain(scene.after).get(key)]
        wrong.append(f"the tenant is not what the unbroken run made of it: {', '.join(sorted(keys))}")
    before, after = plain(scene.before), plain(scene.after)
    ours = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    foreign = [key for key, body in scene.before.items() if key not in ours and now.get(key) != body]
    wrong += [f"somebody else's object was touched: {key}" for key in foreign]
    names = [(key.split("/")[0], body["Name"].casefold()) for key, body in now.items() if "Name" in body]
    wrong += [f"{name} is there twice" for name in {name for name in names if names.count(name) > 1}]
    if not (path / "result.json").is_file():
        return [*wrong, "there is no result after going on"]
    result = read_json(path / "result.json")
    if result["status"] not in ("changed", "unchanged"):
        wrong.append(f"the result is {result['status']}")
    report = check(path)
    if not report.whole:
        wrong += [f"records check: {item}" for item in report.findings]
    return wrong


def main() -> int:
    """Try the points, print those that do not hold and how many did; 0 when all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="try so many points, drawn by the seed; all of them without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="busy", help="how the tenant begins")
    parser.add_argument("--only", default="", help="points whose name has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        os.environ |= {
            "RUNBOOK_STATE": str(work / "state"),
            "RUNBOOK_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
            "RUNBOOK_WAIT_SECONDS": "5",
        }
        os.environ.pop("RUNBOOK_TENANTS", None)
        os.chdir(work)
        preload()
        import papermill  # noqa: F401  what every child would import for itself otherwise

        from runbook.record.exporter import exporter

        exporter()
        directory = simulated.state_directory(TENANT)
        simulated.reset(directory, profile=options.profile)
        with simulated.serving(directory) as url:
            return _sweep(FarEnd(url), work, options)


def _sweep(far: FarEnd, work: Path, options: argparse.Namespace) -> int:
    made = scenes(far, work)
    chosen = [point for point in points(made) if options.only in str(point)]
    total = len(chosen)
    if options.sample and options.sample < total:
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    held = 0
    for number, point in enumerate(chosen, start=1):
        folder = work / "point"
        wrong = broken_at(point, made[point.course], far, folder)
        held += not wrong
        for line in wrong:
            print(f"{point}: {line}", flush=True)
        if number % 50 == 0:
            print(f"  .. {number} of {len(chosen)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder)
    counts = ", ".join(f"{scene.calls} calls of {course}" for course, scene in made.items())
    print(f"{counts}; {len(WAYS)} ways; {total} points; {len(chosen)} tried, {held} held")
    return 0 if held == len(chosen) else 1


if __name__ == "__main__":
    raise SystemExit(main())
