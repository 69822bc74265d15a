"""Entry point: find the command, run it, and turn every foreseen error into one message and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from runbook import __version__
from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.secretlike import kind_of_secret

COMMANDS = {
    "demo": ("runbook.cli.demo", "Everything, on a fresh simulated tenant: plan, apply, verify, plan again."),
    "compile": ("runbook.cli.compiling", "Show what a tutorial means, or write its notebooks."),
    "lint": ("runbook.cli.linting", "Say what is wrong, missing or left open in a tutorial. Reads no tenant."),
    "diff-tutorial": ("runbook.cli.diffing", "Say what changed between two texts, in settings. Reads no tenant."),
    "notebooks": ("runbook.cli.notebooks", "Open JupyterLab on the notebooks, beside a running simulated tenant."),
    "sheet": ("runbook.cli.sheet", "Print a tutorial as an instruction sheet, for hands only. Reads no tenant."),
    "plan": ("runbook.cli.running", "Read a tenant and show what would change. Writes nothing."),
    "apply": ("runbook.cli.running", "Carry out an approved plan, and verify it."),
    "verify": ("runbook.cli.running", "Read a tenant and say whether it is as the tutorial asks."),
    "tick": ("runbook.cli.ticking", "List the steps that are left to a person, and tick them off."),
    "rollback": ("runbook.cli.rollback", "Take back what a run has changed, and nothing else."),
    "preflight": ("runbook.cli.preflight", "Say whether an identity can do what the plan needs. Writes nothing."),
    "fleet": ("runbook.cli.fleet", "Plan, apply or verify on every tenant of an inventory."),
    "records": ("runbook.cli.records", "List, check and compare runs, or make a run's record again."),
    "sim": ("runbook.cli.sim", "Serve, reset, show or change the simulated tenant."),
}

_EPILOG = """\b
Examples:
  runbook demo
  runbook compile tutorial.md --format text
  runbook lint tutorial.md
  runbook diff-tutorial old.md new.md
  runbook sheet tutorial.md -o sheet.pdf
  runbook preflight --tenant demo
  runbook plan --tenant demo
  runbook apply --tenant demo --approve HASH
  runbook verify --tenant demo

\b
Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 changes pending or drift,
4 refused, 5 the tenant could not be reached or read, 130 interrupted.

\b
Output: on a terminal, tables; elsewhere, and with TERM=dumb, plain lines; --json gives one
document on standard output, for an error too, which is told on standard error as ever.
NO_COLOR (not empty) takes the colours away and nothing else; FORCE_COLOR (not empty) gives
a pipe what a terminal gets.
"""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        command: click.Command = getattr(module, name.replace("-", "_") if name != "compile" else "compile_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="runbook")
def cli() -> None:
    """Turn a vendor's click-by-click tutorial into a change you can trust.

    A tutorial is compiled into notebooks that read a tenant, show the difference, apply exactly what was
    approved, verify it by fresh reads, and leave one record that opens anywhere.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. An error that nobody foresaw keeps its traceback."""
    for name in ("SIGTERM", "SIGHUP"):  # asked to end is interrupted: the record is still written
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    _leave_no_core()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _refuse_secrets(words)
        result: Any = cli.main(words, "runbook", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        print("Interrupted.", file=sys.stderr)
        return _told(words, error, ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return _told(words, error, ExitCode.USAGE)
    except RunbookError as error:
        from runbook.views import plain_lines

        print(plain_lines(str(error)), file=sys.stderr)
        return _told(words, error, error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.FAILED
    return result if isinstance(result, int) else ExitCode.DONE


def _told(words: Sequence[str], error: BaseException, exit_code: int) -> int:
    """Return the exit code; where JSON was asked for, print the error as the command's one document."""
    if "--json" in words:
        from runbook.cli.console import error_document, json_text

        with contextlib.suppress(BrokenPipeError):
            print(json_text(error_document(error, exit_code)), flush=True)
    return exit_code


def _refuse_secrets(words: Sequence[str]) -> None:
    """Refuse a command line that holds a credential, whichever option it was given to, without quoting it."""
    for number, word in enumerate(words, start=1):
        if kind := kind_of_secret(word, may_be_hash=True):
            raise UsageError(
                f"Word {number} of the command line looks like {kind}. It is not shown here.",
                "A secret is never given on a command line: name it in tenants.yaml, as {env: NAME} or {file: PATH}. "
                "This one now stands in the shell's history: replace it.",
            )


def _leave_no_core() -> None:
    """A process that crashes leaves no image of its memory, which holds tokens; what it starts inherits this."""
    try:
        import resource
    except ImportError:  # Windows keeps no core files
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
