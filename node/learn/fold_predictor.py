"""The trainings of folds judged as one model: each answers for the patients that it held out."""

from collections.abc import Sequence

from node.errors import InputRefused, WrongUsage
from node.learn.predictors import Predictor


def folds_of(folds: Sequence[Predictor]) -> Predictor:
    """Return what has learnt from nobody whom it is asked about; its `val_cases` are all who were held out.

    Raises
    ------
    InputRefused
        EVAL-TRAINED if two of them held out the same patient; EVAL-EMPTY for what held out nobody.
    WrongUsage
        USAGE if they do not find the same.
    """
    owners: dict[str, Predictor] = {}
    for fold in folds:
        if (fold.task, fold.definition) != (folds[0].task, folds[0].definition):
            raise WrongUsage("USAGE", f"{fold.name} does not find what {folds[0].name} finds: want folds of one system")
        if not fold.val_cases:
            raise InputRefused("EVAL-EMPTY", f"{fold.name} held out nobody: give the folders of trainings")
        if twice := sorted(fold.val_cases & owners.keys()):
            raise InputRefused("EVAL-TRAINED", f"{fold.name} and another fold both held out {', '.join(twice[:5])}")
        owners |= dict.fromkeys(fold.val_cases, fold)
    return Predictor(
        "+".join(fold.name for fold in folds),
        folds[0].task,
        folds[0].definition,
        frozenset(),
        lambda stack: owners[stack[0].case].find(stack),
        tuple(path for fold in folds for path in fold.curves),
        frozenset(owners),
    )
