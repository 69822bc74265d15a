"""What nobody has confirmed, and how a prediction takes it: the usual reading, or that both are possible."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.outcome.message import NEW_HEADER, OLD_HEADER
from runbook.outcome.threeway import Maybe


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """One answer for each open point. None means that both answers are followed to their ends."""

    headers: tuple[str, ...] = (OLD_HEADER, NEW_HEADER)
    """Names under which the gateway writes its disposition: the reference page of 2024 has the one, the tutorial of
    April 2026 the other; whether both are written is open [cloudflare.md, open points]."""
    bulk_is_written: Maybe = True
    """Whether BULK is written at all: the page of 2024 has it for the dashboard alone, every tutorial matches on it
    [tutorial-language 1.3]."""
    forged_is_replaced: Maybe = True
    """Whether the gateway takes away a disposition that a message brings along; open."""
    scl_is_heeded: Maybe = True
    """Whether the filter does what a rule's SCL asks for; since August 2026 it is called an input only [DOCS]."""
    allow_list_beats_rules: Maybe = None
    """Whether an address on the allow list passes the filter although a rule sets an SCL; open [facts 7.10]."""
    filtering_hides_address: Maybe = None
    """Whether enhanced filtering keeps a rule from seeing the last hop's address; open [facts 7.10]."""


USUAL = Assumed()
