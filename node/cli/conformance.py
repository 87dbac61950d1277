"""`lungnode conformance`: the DICOM conformance statement of this configuration."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from node.cli.terminal import print_json
from node.report.conformance import conformance_statement
from node.settings import load

app = typer.Typer(add_completion=False)

_HELP = """Print the DICOM conformance statement, generated from the configuration in force.

Examples:
  lungnode conformance > conformance.md
  lungnode conformance --config /etc/lungnode/lungnode.toml
"""


@app.command(help=_HELP)
def conformance(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Print the statement as Markdown."""
    statement = conformance_statement(load(config))
    if json:
        print_json({"format": "markdown", "statement": statement})
        return
    sys.stdout.write(statement)
