"""Print a page as a PDF with a browser of the Chromium family that is on the machine.

The browser starts with a profile of its own that is empty and thrown away, gets no credential of this process's
environment, and has a time limit. The file appears whole or not at all. See the decision of 2026-11-28.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runbook.errors import NotPrinted, UsageError
from runbook.runs import write_bytes

NAMED = "RUNBOOK_BROWSER"
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
             "microsoft-edge", "microsoft-edge-stable")  # fmt: skip
_MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
_WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
# What a browser needs to start; nothing else is handed on, least of all a credential.
_KEPT = frozenset(
    """
    PATH HOME LANG LC_ALL TMPDIR TZ USER LOGNAME DISPLAY WAYLAND_DISPLAY XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
    SYSTEMROOT WINDIR SYSTEMDRIVE COMSPEC PATHEXT TEMP TMP USERPROFILE USERNAME APPDATA LOCALAPPDATA PROGRAMDATA
    PROGRAMFILES PROGRAMFILES(X86)
    """.split()
)
_QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-quic",
    "--no-pdf-header-footer",
)
_OPEN_IT = (
    "Write the sheet as HTML (-o FILE.html), open that in any browser and print it there; or install Chromium, Chrome "
    f"or Edge, or name one with {NAMED}."
)


def find_browser(
    environment: Mapping[str, str] = os.environ,
    *,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Path:
    """Return the browser that RUNBOOK_BROWSER names, else the first of the known ones. Raises UsageError."""
    named = environment.get(NAMED, "")
    if named:
        found = which(named)
        if found is None:
            raise UsageError(f"{NAMED} names {named!r}, and there is no such program.", _OPEN_IT)
        return Path(found)
    for command in _COMMANDS:
        found = which(command)
        if found is not None:
            return Path(found)
    for path in _usual_places(environment, platform):
        if is_file(path):
            return path
    raise UsageError("There is no browser here that can print the sheet as a PDF.", _OPEN_IT)


def _usual_places(environment: Mapping[str, str], platform: str) -> list[Path]:
    if platform == "darwin":
        homes = [
            Path("/Applications"),
            *([Path(environment["HOME"]) / "Applications"] if "HOME" in environment else []),
        ]
        return [home / name for home in homes for name in _MAC]
    if platform == "win32":
        folders = [Path(environment[name]) for name in _WINDOWS_FOLDERS if environment.get(name)]
        return [folder / name for folder in folders for name in _WINDOWS]
    return []


def arguments(browser: Path, page: Path, pdf: Path, profile: Path, *, unboxed: bool) -> list[str]:
    """Return the command that prints a page; `unboxed` gives up the browser's sandbox, which root cannot have."""
    own = [f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", *(["--no-sandbox"] if unboxed else [])]
    return [str(browser), *_QUIET, *own, page.as_uri()]


def is_root_on_linux(platform: str = sys.platform) -> bool:
    """Whether Chromium would refuse to start with its sandbox: it does as root on Linux, as in a container."""
    return platform.startswith("linux") and os.geteuid() == 0


def print_pdf(page: str, target: Path, browser: Path, *, seconds: float = 90.0) -> None:
    """Print an HTML page into `target`. Raises NotPrinted, and then there is no new file, whole or half."""
    # A browser that is still ending may hold a file of its profile for a moment; the system throws such a rest away.
    with tempfile.TemporaryDirectory(prefix="runbook-sheet-", ignore_cleanup_errors=True) as folder:
        source, pdf, profile = (Path(folder) / name for name in ("sheet.html", "sheet.pdf", "profile"))
        source.write_text(page, encoding="utf-8", newline="\n")
        profile.mkdir()
        _run(arguments(browser, source, pdf, profile, unboxed=is_root_on_linux()), browser, seconds)
        content = pdf.read_bytes() if pdf.is_file() else b""
    if not (content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")):
        raise NotPrinted(f"{browser} ended without a whole PDF.", _OPEN_IT)
    write_bytes(target, content)


def _run(command: Sequence[str], browser: Path, seconds: float) -> None:
    environment = {name: value for name, value in os.environ.items() if name.upper() in _KEPT}
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command, env=environment, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing
        )
    except OSError as error:
        raise NotPrinted(f"{browser} cannot be started: {error.strerror or error}.", _OPEN_IT) from error
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NotPrinted(
            f"{browser} was stopped: it had not printed the sheet after {seconds:g} s.", _OPEN_IT
        ) from None
    finally:
        _end(process)
    if code != 0:
        raise NotPrinted(f"{browser} ended with the code {code}.", _OPEN_IT)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a browser that still runs, with all that it started: it has a session of its own."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
