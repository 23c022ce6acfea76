"""`python -m subgraphs …`; see `cli.py`."""

import sys

from subgraphs.cli import main

sys.exit(main(sys.argv[1:]))
