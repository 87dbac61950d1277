"""Judge models on a labelled set: by patient, by group, against a baseline, with everything kept beside the figures.

A case that a model learnt from is refused: its figure would say how well it remembers.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from node.errors import InputRefused, WrongUsage
from node.learn.cases import says_something, stacks
from node.learn.fold_predictor import folds_of
from node.learn.index import Row, read_index
from node.learn.judge import Measured, judge
from node.learn.predictions import SavedMasks
from node.learn.predictors import Predictor, predictor
from node.learn.statistics import holm, interval, wilcoxon
from node.learn.summary import per_case, summary
from node.learn.without_outlines import without_outlines
from node.segment.contract import LungDefinition, Task
from node.segment.runtime import Precision

_FOLDS = "the folds"

Tell = Callable[[str, Measured], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged on what.

    Attributes
    ----------
    models : names of installed models, folders of runs or folders of saved masks.
    definition : the reference of lungs; None takes each model's own.
    baseline : the model that the others are compared with, by case.
    robust : repeat everything under changed intensity.
    raw : runs without what holds in three dimensions.
    held_out : the models are folds, each of which answers for whom it held out; `split` is not asked.
    """

    models: tuple[str, ...]
    data: Path
    out: Path
    _: KW_ONLY
    split: str | None = "test"
    where: tuple[str, ...] = ()
    definition: LungDefinition | None = None
    baseline: str | None = None
    models_dir: Path | None = None
    device: str = "auto"
    precision: Precision = "auto"
    robust: bool = False
    save: bool = False
    raw: bool = False
    held_out: bool = False

    @property
    def part(self) -> str:
        """What is judged on, in words."""
        return "held out" if self.held_out else self.split or "all"


def evaluate(question: Question, tell: Tell) -> dict[str, Any]:
    """Judge every model; write `evaluation.json` and `cases.csv` under `out`; return what is in the former.

    Raises
    ------
    InputRefused
        EVAL-TRAINED if a model learnt from one of the cases; EVAL-EMPTY if nothing is left to judge on;
        SET-UNREAD, SET-LEAK and MODEL-UNKNOWN as their rooms say.
    WrongUsage
        USAGE for a baseline that finds something else, or folds that do.
    """
    asked = _asked(question)
    rows = _rows_of(question, asked)
    for who in asked.values():
        refuse_trained(who, rows)
        _refuse_silent(who, rows, question)
    baseline = None if question.baseline is None else asked[question.baseline].name
    _refuse_unlike(asked, question.baseline)
    question.out.mkdir(parents=True, exist_ok=True)
    judged = {who.name: _judged(who, rows, question, tell) for who in asked.values()}
    answer = {
        "models": _tables(list(asked.values()), judged, question),
        "comparison": _comparison(judged, baseline),
        "out": str(question.out),
    }
    (question.out / "evaluation.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
    _write_cases(question.out / "cases.csv", judged)
    return answer


def _asked(question: Question) -> dict[str, Predictor]:
    """Return who is judged by name, folds as one, and the baseline."""

    def load(name: str) -> Predictor:
        return predictor(name, question.models_dir, question.device, question.precision, raw=question.raw)

    asked = {name: load(name) for name in dict.fromkeys(question.models)}
    if question.held_out:
        asked = {_FOLDS: folds_of(list(asked.values()))}
    if question.baseline is not None and question.baseline not in asked:
        asked[question.baseline] = load(question.baseline)
    return asked


def _rows_of(question: Question, asked: dict[str, Predictor]) -> tuple[Row, ...]:
    """Return the rows of the part that is asked for, or of those whom the folds held out."""
    rows = read_index(question.data, split=None if question.held_out else question.split, where=question.where)
    if not question.held_out:
        return rows
    return tuple(row for row in rows if row.split != "test" and row.case in asked[_FOLDS].val_cases)


def refuse_trained(who: Predictor, rows: Sequence[Row]) -> None:
    """Raise InputRefused EVAL-TRAINED if the model learnt from one of the cases."""
    seen = sorted({row.case for row in rows} & who.train_cases)
    if seen:
        raise InputRefused(
            "EVAL-TRAINED",
            f"{who.name} learnt from {len(seen)} of these cases: {', '.join(seen[:5])}; choose another --split",
        )


def _refuse_silent(who: Predictor, rows: Sequence[Row], question: Question) -> None:
    """Raise InputRefused EVAL-EMPTY if no row can say anything of the model, with what can be judged instead."""
    if any(says_something(row, who.task) for row in rows):
        return
    text = f"{question.data} has no row of part {question.part}: see --split and --where"
    if rows:
        other, example = (
            (Task.LESIONS, "lesions-joint") if who.task is Task.LUNGS else (Task.LUNGS, "fusionlungnet-w16")
        )
        text = f"{who.name} finds {who.task}, and nobody outlined any in the {len(rows)} rows of {question.data}"
        if any(says_something(row, other) for row in rows):
            where = f"--data {question.data} --split {question.split or 'all'} --out {question.out}"
            text += f"; {other} are outlined there: `lungnode evaluate {example} {where}`"
        else:
            text += f"; {without_outlines(rows)}"
    raise InputRefused("EVAL-EMPTY", text)


def _refuse_unlike(asked: dict[str, Predictor], baseline: str | None) -> None:
    """Raise WrongUsage if a model is compared with one that finds something else."""
    if baseline is None:
        return
    for name, who in asked.items():
        if who.task is not asked[baseline].task:
            text = f"{name} finds {who.task}, the baseline {baseline} finds {asked[baseline].task}"
            raise WrongUsage("USAGE", f"{text}: want a --baseline that finds the same")


def _judged(who: Predictor, rows: Sequence[Row], question: Question, tell: Tell) -> list[Measured]:
    """Judge one model on all rows."""
    definition = question.definition or who.definition
    kept = _kept(who, question) if question.save else None
    answer = []
    for stack in stacks(rows, who.task, definition):
        for item, measured, found in judge(who, stack, robust=question.robust):
            if kept is not None:
                kept.keep(item, found)
            tell(who.name, measured)
            answer.append(measured)
    if not answer:
        raise InputRefused("EVAL-EMPTY", f"no row of {question.data} has a reference for {who.task.value}")
    return answer


def _kept(who: Predictor, question: Question) -> SavedMasks | None:
    """Return where masks are kept; None for masks that are being read from just there."""
    folder = question.out / "masks" / who.name
    if folder.resolve() in {Path(name).resolve() for name in (*question.models, question.baseline or "")}:
        return None
    return SavedMasks(folder, who.name, who.task, who.definition, who.train_cases, who.val_cases)


def _tables(asked: Sequence[Predictor], judged: dict[str, list[Measured]], question: Question) -> list[dict[str, Any]]:
    """Return one line for each model and group; groups are never pooled."""
    lines = []
    for who in asked:
        for group in sorted({one.group for one in judged[who.name]}):
            of_group = [one for one in judged[who.name] if one.group == group]
            line = summary(who.name, question.part, of_group) | {"cases": per_case(of_group)}
            lines.append(line | {"task": who.task.value, "curves": [str(path) for path in who.curves]})
    return lines


def _comparison(judged: dict[str, list[Measured]], baseline: str | None) -> list[dict[str, Any]]:
    """Compare each model with the baseline, paired by patient, within each group."""
    if baseline is None:
        return []
    theirs = judged[baseline]
    lines: list[dict[str, Any]] = []
    for name, measured in judged.items():
        if name == baseline:
            continue
        lines += [
            {"name": name, "baseline": baseline, "group": group} | _paired(measured, theirs, group)
            for group in sorted({one.group for one in measured})
        ]
    corrected = holm([line["p"] for line in lines if line["p"] is not None])
    for line, p in zip([line for line in lines if line["p"] is not None], corrected, strict=True):
        line["p_holm"] = p
    return lines


def _paired(ours: Sequence[Measured], theirs: Sequence[Measured], group: str) -> dict[str, Any]:
    """Return difference of Dice, its interval and p over the patients that both have."""
    one, other = (per_case([m for m in found if m.group == group]) for found in (ours, theirs))
    pairs = [
        (a, b)
        for case in sorted(one.keys() & other.keys())
        if (a := one[case]["dice"]) is not None and (b := other[case]["dice"]) is not None
    ]
    difference = [a - b for a, b in pairs]
    return {
        "n_cases": len(pairs),
        "dice_difference": sum(difference) / len(difference) if difference else None,
        "interval": interval(difference),
        "p": wilcoxon([a for a, _ in pairs], [b for _, b in pairs]),
    }


def _write_cases(path: Path, judged: dict[str, list[Measured]]) -> None:
    """Write one line for each model, item and measure that could be taken."""
    names = list(dict.fromkeys(name for measured in judged.values() for one in measured for name in one.values))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "case", "item", "group", "slices", "empty", "empty_marked", *names])
        for model, measured in judged.items():
            for one in measured:
                values = ["" if one.values.get(name) is None else one.values[name] for name in names]
                head = [model, one.case, one.item_id, one.group, one.n_slices, one.n_empty, one.n_empty_marked]
                writer.writerow([*head, *values])
