"""A forked command and a real process do the same, and nothing of one forked command reaches the next."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit, forking, inherited
from forking import Forking, possible

from runbook import simulated

pytestmark = pytest.mark.skipif(not possible(), reason="commands are not forked here")

VOLATILE = re.compile(
    r"[0-9a-f]{64}|(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16}-SIM"
    r"|\d{8}T\d{6}Z-[\w-]+|\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00| UTC)?|\d\d:\d\d UTC|(?<=127\.0\.0\.1:)\d+"
    r"|(?<=\"id\": \")[0-9a-f]{8}(?=\")"
    r"|\d+(\.\d+)? (s|ms|seconds|bytes|kB)\b|\"(duration|seconds|size|bytes|elapsed_ms)\": ?[\d.e-]+"
)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def quick() -> Forking:
    started = forking()
    assert started is not None
    return started


def plain(kit: Kit, text: str) -> str:
    """A text without ids, hashes, times and the kit's folder."""
    return VOLATILE.sub("*", text.replace(str(kit.folder), "FOLDER"))


def files(kit: Kit) -> dict[str, str]:
    """Every file below the runs folder by its name, made plain."""
    paths = sorted(path for path in kit.runs.rglob("*") if path.is_file())
    return {plain(kit, str(path.relative_to(kit.runs))): plain(kit, path.read_text()) for path in paths}


def said(kit: Kit, done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, plain(kit, done.stdout), plain(kit, done.stderr)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kit, Kit]:
    """Two kits on two copies of one simulated tenant."""
    one, other = (Kit(tmp_path_factory.mktemp(name)) for name in ("forked", "process"))
    simulated.reset(one.state)
    shutil.copytree(one.state, other.state)
    return one, other


def test_plan_and_apply_are_those_of_a_process(twins: tuple[Kit, Kit]) -> None:
    one, other = twins
    assert quick().takes(one.environment()), "else this compares a process with a process"
    words = ("plan", "--tenant", "demo")
    assert said(one, one(*words)) == said(other, other.python("-m", "runbook", *words))
    runs: list[tuple[Kit, Run]] = [(one, one), (other, lambda *words: other.python("-m", "runbook", *words))]
    seen = [
        said(kit, run("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])) for kit, run in runs
    ]
    assert seen[0][0] == 0
    assert seen[0] == seen[1]
    mine, yours = files(one), files(other)
    assert list(mine) == list(yours)
    assert len(mine) > 15
    for name, text in mine.items():  # by the line, for pytest needs minutes to explain how two pages differ
        lines = zip_longest(text.splitlines(), yours[name].splitlines())
        assert [(line, its) for line, its in lines if line != its][:3] == [], name


WORDS: dict[str, tuple[int, list[str]]] = {
    "help": (0, ["--help"]),
    "help of a command": (0, ["apply", "-h"]),
    "version": (0, ["--version"]),
    "no command": (2, []),
    "unknown command": (2, ["paln"]),
    "unknown option": (2, ["plan", "--tennant", "demo"]),
    "no tenant": (2, ["plan"]),
    "unknown tenant": (2, ["plan", "--tenant", "nobody"]),
    "not approved": (4, ["apply", "--tenant", "demo"]),
    "letters beyond ASCII": (2, ["plan", "--tenant", "Zürich ✓"]),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_command_that_does_not_run_is_that_of_a_process(kit: Kit, name: str) -> None:
    code, words = WORDS[name]
    forked, process = kit(*words), kit.python("-m", "runbook", *words)
    assert (forked.returncode, forked.stdout, forked.stderr) == (process.returncode, process.stdout, process.stderr)
    assert forked.returncode == code, forked.stderr


# A module that says how it was started, and leaves behind what it can.
PROBE = """
import atexit, json, os, signal, subprocess, sys
from runbook import library
state = open("/proc/self/status").read().splitlines()
print(json.dumps({
    "arguments": sys.argv, "all arguments": sys.orig_argv, "path": sys.path, "name": __name__, "cwd": os.getcwd(),
    "main": sys.modules["__main__"].__file__, "executable": sys.executable, "environment": dict(os.environ),
    "os": subprocess.check_output("/usr/bin/env", text=True).splitlines(), "stdin": sys.stdin.read(),
    "umask": oct(os.umask(0o022)),
    "open": [n for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)],
    "threads": len(os.listdir("/proc/self/task")), "session": os.getsid(0), "wakeup": signal.set_wakeup_fd(-1),
    "handlers": [str(signal.getsignal(number)).split(" at ")[0] for number in sorted(signal.valid_signals())],
    "signals": [line for line in state if line.startswith(("SigBlk", "SigIgn", "SigCgt"))],
    "streams": [(s.encoding, s.errors, s.line_buffering, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)],
    "documents": library._load.cache_info().currsize, "left": getattr(library, "left", None),
    "leaked": os.environ.get("LEAKED"),
}))
library.load()
library.left = os.environ["LEAKED"] = "here"
os.putenv("LEAKED", "here")
os.chdir("/")
os.umask(0o777)
sys.argv.append("here")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
atexit.register(print, "ended", file=sys.stderr)
"""


@pytest.fixture
def probe(tmp_path: Path) -> Kit:
    """A kit in whose folder is that module."""
    (tmp_path / "probe.py").write_text(PROBE)
    return Kit(tmp_path)


def found(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == "ended\n", "the end of an interpreter runs what was registered for it"
    return dict(json.loads(done.stdout))


def forked(kit: Kit, *words: str, module: str = "probe", timeout: float = 60, **more: str) -> Any:
    return quick().run(words, cwd=kit.folder, env=kit.environment(**more), timeout=timeout, module=module)


def test_a_forked_command_starts_as_a_process_does(probe: Kit) -> None:
    mine = found(forked(probe, "a", "ü -q", RUNBOOK_WAIT_SECONDS="7"))
    yours = found(probe.python("-m", "probe", "a", "ü -q", RUNBOOK_WAIT_SECONDS="7"))
    assert mine.keys() == yours.keys()
    for name, value in mine.items():
        assert sorted(value) == sorted(yours[name]) if name == "os" else value == yours[name], name
    assert mine["threads"] == 1, "else the command would not fork its worker"


def test_nothing_of_a_command_reaches_the_next(probe: Kit) -> None:
    """Each child changes its folder, environment, arguments, signals, umask, modules and what is kept of a text."""
    first, second = (found(forked(probe, "a")) for _ in range(2))
    assert (first["documents"], first["left"], first["leaked"]) == (0, None, None)
    assert [name for name in first if first[name] != second[name] and name != "os"] == []
    assert sorted(first["os"]) == sorted(second["os"])
    third = found(forked(probe, OTHER="1"))
    assert third["environment"] == {**first["environment"], "OTHER": "1"}


def test_a_text_is_read_anew_by_every_command(kit: Kit) -> None:
    """The library keeps what it has read, and the tenants are read from a file: both of this command alone."""
    (kit.folder / "text.md").write_text("# Title\n\n## Part\n\n1. Go to **Somewhere**.\n")
    first = kit("compile", "text.md")
    (kit.folder / "text.md").write_text("# Other\n\n## Piece\n\n1. Go to **Elsewhere**.\n")
    second = kit("compile", "text.md")
    assert "Part" in first.stdout and "Part" not in second.stdout and "Piece" in second.stdout
    (kit.folder / "tenants.yaml").write_text("tenants: {mine: {simulated: {}}}")
    assert kit("apply", "--tenant", "mine").returncode == 4
    (kit.folder / "tenants.yaml").unlink()
    assert kit("apply", "--tenant", "mine").returncode == 2


@pytest.mark.parametrize("name", ["HOME", "PATH", "PYTHONHASHSEED", "LC_ALL", "TZ", "JUPYTER_PATH", "LANG"])
def test_an_environment_that_imports_could_tell_apart_gets_a_process(kit: Kit, name: str) -> None:
    environment = kit.environment()
    assert quick().takes(environment)
    assert quick().takes({**environment, "RUNBOOK_WAIT_SECONDS": "2"})
    assert not quick().takes({**environment, name: "other"})


ENDS = {"code": ("raise SystemExit(7)", 7), "words": ("import sys; sys.exit('no')", 1), "error": ("1/0", 1)}


@pytest.mark.parametrize("name", ENDS)
def test_it_ends_as_a_process_does(kit: Kit, name: str) -> None:
    text, code = ENDS[name]
    (kit.folder / "ending.py").write_text(text)
    mine, yours = forked(kit, module="ending"), kit.python("-m", "ending")
    assert mine.returncode == yours.returncode == code
    assert mine.stderr.splitlines()[-1:] == yours.stderr.splitlines()[-1:]


def test_one_that_is_killed_says_by_what(kit: Kit) -> None:
    (kit.folder / "ending.py").write_text("import os; os.kill(os.getpid(), 9)")
    assert forked(kit, module="ending").returncode == -signal.SIGKILL


def test_one_that_takes_too_long_is_killed_with_what_it_started(kit: Kit) -> None:
    (kit.folder / "hanging.py").write_text(
        "import os, subprocess, time\n"
        "started = subprocess.Popen(['sleep', '60'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {started.pid}')\n"
        "time.sleep(60)\n"
    )
    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        forked(kit, module="hanging", timeout=1)
    assert time.monotonic() - begun < 10
    pids = [int(word) for word in (kit.folder / "pids").read_text().split()]
    assert len(pids) == 2
    end = time.monotonic() + 10
    while any(lives(pid) for pid in pids):
        assert time.monotonic() < end, "something of it still lives"
        time.sleep(0.02)
    assert kit("--version").returncode == 0, "and the next one is not the worse for it"


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_all_ends_with_the_process_that_asked(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text("import os, time\nopen('pid', 'x').write(str(os.getpid()))\ntime.sleep(60)\n")
    own = Forking(inherited())
    with ThreadPoolExecutor() as threads:
        run = threads.submit(own.run, (), cwd=tmp_path, env=inherited(), timeout=60, module="hanging")
        end = time.monotonic() + 20
        while not (pid := (tmp_path / "pid").read_text() if (tmp_path / "pid").exists() else ""):
            assert time.monotonic() < end
            time.sleep(0.02)
        own.close()
        with pytest.raises(ChildProcessError):
            run.result(timeout=20)
    assert not lives(int(pid))
