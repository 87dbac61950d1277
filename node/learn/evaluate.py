"""Judge models on a labelled set: by patient, by group, against a baseline, with everything kept beside the figures.

A case that a model learnt from is refused: its figure would say how well it remembers.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from node.errors import InputRefused
from node.learn.cases import items
from node.learn.index import Row, read_index
from node.learn.judge import Measured, judge
from node.learn.predictions import SavedMasks
from node.learn.predictors import Predictor, predictor
from node.learn.statistics import holm, interval, wilcoxon
from node.learn.summary import per_case, summary
from node.segment.contract import LungDefinition
from node.segment.runtime import Precision

Tell = Callable[[str, Measured], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged on what.

    Attributes
    ----------
    models : names of installed models, folders of runs or folders of saved masks.
    definition : the reference; None takes each model's own.
    baseline : the model that the others are compared with, by case.
    robust : repeat everything under changed intensity.
    raw : runs without what holds in three dimensions.
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


def evaluate(question: Question, tell: Tell) -> dict[str, Any]:
    """Judge every model; write `evaluation.json` and `cases.csv` under `out`; return what is in the former.

    Raises
    ------
    InputRefused
        EVAL-TRAINED if a model learnt from one of the cases; EVAL-EMPTY if nothing is left to judge on;
        SET-UNREAD, SET-LEAK and MODEL-UNKNOWN as their rooms say.
    """
    rows = read_index(question.data, split=question.split, where=question.where)
    wanted = [*question.models, *([question.baseline] if question.baseline else [])]
    question.out.mkdir(parents=True, exist_ok=True)
    judged: dict[str, list[Measured]] = {}
    baseline: str | None = None
    for name in dict.fromkeys(wanted):
        who = predictor(name, question.models_dir, question.device, question.precision, raw=question.raw)
        refuse_trained(who, rows)
        judged[who.name] = _judged(who, rows, question, tell)
        baseline = who.name if name == question.baseline else baseline
    answer = {
        "models": _tables(judged, question),
        "comparison": _comparison(judged, baseline),
        "out": str(question.out),
    }
    (question.out / "evaluation.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
    _write_cases(question.out / "cases.csv", judged)
    return answer


def refuse_trained(who: Predictor, rows: Sequence[Row]) -> None:
    """Raise InputRefused EVAL-TRAINED if the model learnt from one of the cases."""
    seen = sorted({row.case for row in rows} & who.train_cases)
    if seen:
        raise InputRefused(
            "EVAL-TRAINED",
            f"{who.name} learnt from {len(seen)} of these cases: {', '.join(seen[:5])}; choose another --split",
        )


def _judged(who: Predictor, rows: Sequence[Row], question: Question, tell: Tell) -> list[Measured]:
    """Judge one model on all rows."""
    definition = question.definition or who.definition
    folder = question.out / "masks" / who.name
    kept = SavedMasks(folder, who.name, who.task, who.definition, who.train_cases) if question.save else None
    answer = []
    for item in items(rows, who.task, definition):
        measured, found = judge(who, item, robust=question.robust)
        if kept is not None:
            kept.keep(item, found)
        tell(who.name, measured)
        answer.append(measured)
    if not answer:
        raise InputRefused("EVAL-EMPTY", f"no row of {question.data} has a reference for {who.task.value}")
    return answer


def _tables(judged: dict[str, list[Measured]], question: Question) -> list[dict[str, Any]]:
    """Return one line for each model and group; groups are never pooled."""
    lines = []
    for name, measured in judged.items():
        for group in sorted({one.group for one in measured}):
            of_group = [one for one in measured if one.group == group]
            lines.append(summary(name, question.split or "all", of_group) | {"cases": per_case(of_group)})
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
