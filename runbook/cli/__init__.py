"""The command line. Every command is a file of its own, imported when it is called, so that help is quick."""

from __future__ import annotations

from runbook.cli.main import main

__all__ = ["main"]
