"""The card of a tumour model, for people: what it is, what it learnt from, how sure its confidence is, its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.learn.beginning import begun_with, n_own_cases
from node.learn.learnt_from import cases_and_figures, licences_text, origins_text
from node.learn.rate import ending
from node.report.wording import NOT_FOR_DIAGNOSIS
from node.segment.model_card import ModelCard

_CALIBRATION = "## Confidence"
_UNCALIBRATED = "Not calibrated: every lesion is uncertain. `lungnode calibrate-lesions`."


@dataclass(frozen=True, slots=True)
class LesionAnswer:
    """How probabilities become marks; see `NetPlan` and `FindPlan`."""

    threshold: float = 0.5
    flips: bool = False
    tiles: str = "none"
    step_mm: float = 2.0
    least_mm3: float = 20.0
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class OutlineAnswer:
    """How a network for nodules draws anew what another model found; see `Outliner`."""

    threshold: float = 0.5
    flips: bool = False


def card_text(
    name: str, told: dict[str, Any], answer: LesionAnswer | OutlineAnswer, figures: Sequence[tuple[str, str]]
) -> str:
    """Return CARD.md from a run's summary and rows of (what, figure)."""
    plan = told["plan"]
    finds = isinstance(answer, LesionAnswer)
    what = "Finds lesions in and about the lungs" if finds else "Draws nodules anew that another model found"
    lines = [
        f"# {name}", "", f"{NOT_FOR_DIAGNOSIS}.", "",
        f"{told['title']} ({told['paper']}), {told['n_parameters']:,} parameters. {what} on CT.", "",
        "## How it was trained", "",
        f"Protocol {plan['protocol']}, loss {plan['loss']}, input {plan['recipe']} {_input(plan)}; "
        f"seed {told['seed']}, fold {told['fold']}; "
        f"{ending(plan['schedule'], told['state'])}. Best epoch "
        f"{told['epoch']}, validation score {told['val_dice']:.4f} (Dice, weighed by domain). {begun_with(told)}", "",
        "## How it answers", "",
        f"Threshold {answer.threshold}; mirror image {'averaged' if answer.flips else 'off'}; {_answering(answer)}", "",
        "## What it learnt from", "",
        f"{told['n_train']} rows of {n_own_cases(told)} patients, validated on {told['n_val']} rows of "
        f"{len(told['val_cases'])}; {origins_text(told)}. {licences_text(told)}", "",
        *cases_and_figures(told, figures, "judge-scans"),
        *([_CALIBRATION, "", _UNCALIBRATED, ""] if finds else []),
        "## Limits", "",
        "Patients, scanners and diseases unlike those of its training cases were not seen, and it is no better than "
        "their outlines. A lung without any air is not searched. A mark is no diagnosis, and no mark is no proof of a "
        "healthy lung.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _input(plan: dict[str, Any]) -> str:
    if plan.get("cube_depth"):
        return f"of whole cubes, parts of {plan['cube_depth']} x {plan['crop_px']} x {plan['crop_px']}"
    return f"at {plan['size']} x {plan['size']}, {plan['neighbours']} neighbours, runs of {plan['run_length']}"


def _answering(answer: LesionAnswer | OutlineAnswer) -> str:
    if isinstance(answer, OutlineAnswer):
        return (
            "in a cube round a mark of at most 50 mm in slices of at most 5.5 mm, the piece under the mark without "
            "vessels and with its hollows; marks of a confidence below 0.6 are left."
        )
    return (
        f"native tiles {answer.tiles}; slices thinner than {answer.step_mm} mm are averaged in groups; marks below "
        f"{answer.least_mm3} mm3, and those that are nowhere surer than {answer.peak}, are dropped."
    )


def ensemble_text(name: str, members: Sequence[ModelCard], outlines: ModelCard | None = None) -> str:
    """Return CARD.md of an ensemble; `outlines` is the network that draws nodules anew."""
    names = ", ".join(f"{card.name} {card.version}" for card in members)
    lines = [
        f"# {name}", "", f"{NOT_FOR_DIAGNOSIS}.", "", f"The mean of the probabilities of {names}; see their cards."
        + (f" Nodules are drawn anew by {outlines.name} {outlines.version}." if outlines else ""), "",
        _CALIBRATION, "", _UNCALIBRATED, "",
    ]  # fmt: skip
    return "\n".join(lines)


def with_calibration(card: str, told: dict[str, Any]) -> str:
    """Put what a calibration found into a card, in the place of what stood there."""
    head, _, rest = card.partition(_CALIBRATION)
    _, found, tail = rest.partition("\n## ")
    ece = told["ece"]
    low, high = told["ece_interval"]
    text = (
        f"{_CALIBRATION}\n\nPlatt's scaling over {len(told['features'])} measured features of {told['n']} candidates "
        f"({told['n_true']} lesions) of {told['n_scans']} scans of training and validation patients; the "
        f"{told['asked_for']} that are asked for were {'' if told['enough'] else '**not** '}reached. Expected "
        f"calibration error, held out by patient, ten bins of equal mass: {ece:.3f} ({low:.3f} to {high:.3f}); at most "
        f"{told['goal']} is asked for: {_verdict(ece, high, told['goal'])}. Below {told['unsure_below']:.2f} a "
        f"lesion is uncertain, below {told['drop_below']:.2f} it is not listed. "
        f"{_of_whole(told['whole_scans'])}\n\nLimits of shape were measured on "
        f"the {told['n_train_true']} lesions of training patients alone; of the {told['n_val_true']} lesions of "
        f"validation patients {told['n_val_true_lost']} lie outside them.\n"
    )
    return head + text + (f"\n## {tail}" if found else "")


def _of_whole(told: dict[str, Any]) -> str:
    """Tell how the candidates of whole scans fared, which are what a user meets."""
    if not told["n"]:
        return "**No whole scan was among them**: what it promises there is not known."
    return (
        f"On the {told['n']} candidates of whole scans among them ({told['n_true']} lesions) it promised "
        f"{told['predicted']:.2f} in the mean, and {told['observed']:.2f} were lesions."
    )


def _verdict(ece: float, high: float, goal: float) -> str:
    """Tell whether an error reaches its goal, and whether its whole interval does."""
    if ece > goal:
        return "**not reached**"
    return "reached with its interval" if high <= goal else "reached, its interval goes beyond"
