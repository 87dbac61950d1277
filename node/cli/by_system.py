"""`lungnode train` hands tumour systems to `lungnode train-lesions`: each has the options of its own protocol.

A system learns what its paper's does; a baseline learns lungs, with `--task lesions` tumours.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import typer
from typer._click import Context
from typer._click.exceptions import NoSuchOption
from typer.core import TyperCommand

from node.learn import catalogue, lesion_catalogue
from node.segment.contract import Task


class BySystem(TyperCommand):
    """The command for lung systems, and before that for all."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Context:
        """Read the words as the options of the command that the system belongs to."""
        from node.cli.train_lesions import app  # noqa: PLC0415  it takes the choices of its options from `train`

        lesions = typer.main.get_command(app)
        system, task, rest = _asked(args, _flags(self, lesions))
        tumours_alone = system in lesion_catalogue.ENTRIES and system not in catalogue.ENTRIES
        if task == Task.LESIONS or (task is None and tumours_alone):
            return lesions.make_context(info_name, rest, parent, **extra)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except NoSuchOption as error:
            if any(error.option_name in one.opts for one in lesions.params):
                error.message += " for lungs; to learn tumours say --task lesions"
            raise

    def invoke(self, ctx: Context) -> Any:
        """Run the command whose options were read."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def _flags(*commands: Any) -> frozenset[str]:
    """Return the options that take no value."""
    flags = [one for command in commands for one in command.params if getattr(one, "is_flag", False)]
    return frozenset({"--help", *(name for one in flags for name in (*one.opts, *one.secondary_opts))})


def _asked(args: Sequence[str], flags: frozenset[str]) -> tuple[str | None, str | None, list[str]]:
    """Return the system and the task that stand among the words, and the words without the task."""
    system, task, rest = None, None, []
    words = iter(args)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--task":
            task = value if equals else next(words, "")
            continue
        rest.append(word)
        if not word.startswith("-"):
            system = system or word
        elif not equals and word not in flags:
            rest.extend(islice(words, 1))
    return system, task, rest
