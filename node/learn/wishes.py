"""What a person may ask of a training, checked before it begins: rate, fold and the network's switches."""

from collections.abc import Callable, Mapping

from torch import nn

from node.errors import Misconfigured, WrongUsage


def refuse_odd_wish(lr: float | None, folds: int, fold: int) -> None:
    """Refuse a learning rate of zero, and a fold where there are none.

    Raises
    ------
    WrongUsage
        USAGE.
    """
    if lr is not None and lr <= 0.0:
        raise WrongUsage("USAGE", f"--lr {lr:g}: want more than zero")
    if fold and not folds:
        raise WrongUsage("USAGE", f"--fold {fold}: want --folds, too")


def read_switch(text: str, named: Mapping[str, int] | None = None) -> tuple[str, int | bool]:
    """Read name=value, with a whole number, true, false or one of the named values.

    Raises
    ------
    WrongUsage
        USAGE.
    """
    name, _, value = text.partition("=")
    known: dict[str, int | bool] = {"true": True, "false": False, **(named or {})}
    if value in known:
        return name, known[value]
    try:
        return name, int(value)
    except ValueError as error:
        wanted = ", ".join(("a whole number", *known))
        raise WrongUsage("USAGE", f"--switch {text!r}: want name=value with one of {wanted}") from error


def n_parameters(build: Callable[[], nn.Module], switches: tuple[str, ...]) -> int:
    """Return how many parameters a network has, built with the switches that were asked for.

    Raises
    ------
    WrongUsage
        USAGE where the network has no such switch.
    """
    try:
        network = build()
    except Misconfigured as error:
        if not switches:
            raise
        raise WrongUsage("USAGE", f"--switch {', '.join(switches)}: {error.message}") from error
    return sum(p.numel() for p in network.parameters())
