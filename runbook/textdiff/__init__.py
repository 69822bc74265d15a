"""What changed between two editions of a text: settings, everything beside them, and what is called otherwise."""
