"""Take the README's pictures from real runs: ``make pictures``.

A notebook in JupyterLab with a change approved, made and verified, and the record of `runbook demo`. Needs Chromium,
and ImageMagick to make the files small (Debian: chromium imagemagick).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import jupyter
from browser.lab import Lab
from browser.walkthrough import Walkthrough
from conftest import Kit
from playwright.sync_api import Browser, expect, sync_playwright

SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
COLOURS = 64
WIDE, HIGH = 1000, 1130


def main(folder: Path) -> int:
    """Write the pictures into a folder, over those that are there."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("convert") is None:
        print("Chromium and ImageMagick are needed. On Debian: apt-get install chromium imagemagick", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        for name, path in (("record", _record(browser, Path(work))), ("notebook", _notebook(browser, Path(work)))):
            target = folder / f"{name}.png"
            subprocess.run(
                ["convert", str(path), "+dither", "-colors", str(COLOURS), "-strip", str(target)], check=True
            )
            print(f"{target}: {target.stat().st_size} bytes")
        browser.close()
    return 0


def _record(browser: Browser, work: Path) -> Path:
    """The first screen of the record of a demo's apply."""
    kit = Kit(work / "demo")
    kit.folder.mkdir()
    done = kit("demo", "-q")
    assert done.returncode == 0, done.stderr
    page = browser.new_page(viewport={"width": WIDE, "height": HIGH})
    page.goto((kit.newest("apply") / "record.html").as_uri())
    return _shot(page.screenshot(), work / "record.png")


def _notebook(browser: Browser, work: Path) -> Path:
    """The lower part of a walkthrough: difference, gate, progress, result."""
    (work / "lab").mkdir()
    with jupyter.running(work / "lab") as server:
        page = browser.new_page(viewport={"width": 1300, "height": 2400})
        page.set_default_timeout(60_000)
        page.goto(f"{server.url}lab?reset&token={server.token}")
        lab = Lab(page, server)
        lab.open("02")
        lab.run_all()
        walk = Walkthrough(lab)
        walk.through()
        walk.verify()
        page.mouse.move(0, 0)
        lab.cell("plan").scroll_into_view_if_needed()
        first, last = lab.cell("plan").bounding_box(), lab.cell("verify").bounding_box()
        assert first and last
        expect(lab.cell("verify")).to_be_in_viewport()
        clip = {**first, "height": last["y"] + last["height"] - first["y"]}
        return _shot(page.screenshot(clip=clip), work / "notebook.png")  # type: ignore[arg-type]


def _shot(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
