"""``python -m runbook`` is the same as ``runbook``."""

import sys

from runbook.cli import main

if __name__ == "__main__":
    sys.exit(main())
