"""Runs as they are kept: sealed by a manifest, checked, compared, found again. Only files are read; no network."""

from __future__ import annotations
