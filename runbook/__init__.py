"""Turn a vendor's click-by-click tutorial into notebooks that plan, apply, verify and record what it says."""

__version__ = "0.1.0"
