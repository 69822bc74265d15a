"""Reads a tutorial: Markdown, rendered pages and what they include, into frozen values that know their source lines."""

from runbook.tutorial.outline import Block, Section, Step, Tutorial
from runbook.tutorial.parsing import parse_tutorial, read_tutorial, slug

__all__ = ["Block", "Section", "Step", "Tutorial", "parse_tutorial", "read_tutorial", "slug"]
