"""`python -m node` is the command `lungnode`."""

from node.cli.main import run

run()
