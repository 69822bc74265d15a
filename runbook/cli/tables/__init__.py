"""Results as a person at a terminal reads them: tables of rich that wrap and cut nothing off.

Only a command that has found a terminal imports from here, for rich takes its time to load.
"""
