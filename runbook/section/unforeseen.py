"""An error that nobody foresaw may quote a credential in its message; then it is told without it."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar, cast

from runbook.errors import RunbookError
from tenantapi.tenant import concealed

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Unforeseen(RunbookError):
    """Something went wrong that nobody foresaw, and its own words held a credential."""

    summary = "Something went wrong that nobody foresaw"


def without_secrets(method: _Method) -> _Method:
    """Let a section's method raise what it raises, unless a credential of the tenant stands in it or its causes.

    Then the section fails with `Unforeseen`, which has the words without the credential and no call stack.
    """

    @functools.wraps(method)
    def guarded(section: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return method(section, *arguments, **named)
        except Exception as error:
            known = section.secrets()
            text = "".join(traceback.format_exception(error))
            if concealed(text, known) == text:
                raise
            told = f"{type(error).__name__}: {concealed(str(error), known)}"
        # Outside of the handler, so that what is raised here carries nothing of the error.
        section.tell(Unforeseen(told, "Plan again to see what is left to do."))

    return cast(_Method, guarded)
