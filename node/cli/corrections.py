"""`lungnode corrections`: what readers made of our segmentations, and measuring theirs by order."""

from pathlib import Path
from typing import Any

import typer

from node.cli.terminal import answer, print_json
from node.engine import jobs as engine_jobs
from node.engine.correction_file import CorrectionFile, all_corrections, correction_json, one_correction, state_of
from node.errors import InputRefused
from node.review.meaning import Meaning
from node.settings import load

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Segmentations that readers saved for series with a result of ours.",
)

_CONFIG = typer.Option(None, "--config", help="The settings file; else LUNGNODE_CONFIG, else ./lungnode.toml.")
_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")
_UID = typer.Argument(..., help="SOP Instance UID of the reader's segmentation, or the end of it.")


@app.command("list")
def list_corrections(config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """List all corrections, the one that was saved last at the end.

    Example: lungnode corrections list
    """
    found = all_corrections(load(config).data_dir)
    if as_json:
        print_json({"corrections": [correction_json(c) for c in found]})
        return
    for one in found:
        answer.print(_line(one), markup=False)


@app.command()
def show(uid: str = _UID, config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """Show one correction: who saved it, what was changed, or why it is not used.

    Example: lungnode corrections show 4711
    """
    found = one_correction(load(config).data_dir, uid)
    if as_json:
        print_json(correction_json(found))
        return
    for line in _lines(found):
        answer.print(line, markup=False)


@app.command()
def remeasure(uid: str = _UID, config: Path | None = _CONFIG, as_json: bool = _JSON) -> None:
    """Measure a reader's segmentation into a new, unverified report that supersedes ours; `jobs show` tells how far.

    Example: lungnode corrections remeasure 4711
    """
    from node.engine.remeasure import order  # noqa: PLC0415 - measuring libraries load late

    settings = load(config)
    correction = one_correction(settings.data_dir, uid)
    with engine_jobs.opened(settings) as engine:
        case, is_new = order(settings, engine, correction)
    _say({"job": case.workflow_id, "did": "queued" if is_new else "was ordered before"}, as_json=as_json)


@app.command()
def name(
    uid: str = _UID,
    segments: list[str] = typer.Argument(..., help="NUMBER=right-lung, left-lung, lungs or lesion; several may stand."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Say what segments stand for whose codes and labels do not, and compare anew.

    Example: lungnode corrections name 4711 4=lesion
    """
    from node.engine.correction_step import take_in  # noqa: PLC0415 - measuring libraries load late

    data_dir = load(config).data_dir
    before = one_correction(data_dir, uid)
    if not (data_dir / before.path).exists():
        raise InputRefused("COR-GONE", "the segmentation is no longer kept: send it again")
    judged = take_in(data_dir, data_dir / before.path, dict(map(_meaning, segments)))
    if judged["state"] == "no-result":
        raise InputRefused("COR-GONE", "our result is no longer kept: send the study again")
    show(before.sop_instance_uid, config, as_json=as_json)


@app.command()
def find(
    study: str | None = typer.Argument(None, help="A Study Instance UID; else the newest studies with a result."),
    config: Path | None = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Look into the archives for segmentations that readers saved, and fetch them; a running node then judges them.

    Example: lungnode corrections find
    """
    from node.engine.correction_search import search_archive  # noqa: PLC0415 - web clients load late

    settings = load(config)
    found = [uid for archive in settings.archives for uid in search_archive(settings, archive, study)]
    _say({"fetched": list(dict.fromkeys(found))}, as_json=as_json)


def _meaning(text: str) -> tuple[int, Meaning]:
    number, _, word = text.partition("=")
    if not number.isdecimal() or word not in {*Meaning}:
        raise typer.BadParameter(f"{text!r} is not NUMBER={'|'.join(Meaning)}")
    return int(number), Meaning(word)


def _line(one: CorrectionFile) -> str:
    comparison = one.comparison
    if comparison is None:
        text = f"{one.reasons[0].code} {one.reasons[0].text}"
    else:
        dice = ", ".join(f"{lung.side} {lung.dice:.3f}" for lung in comparison.lungs)
        text = f"Dice {dice}" if dice else "lungs not judged"
        text += f"; lesions +{comparison.n_added} -{comparison.n_removed}" if comparison.lesions_judged else ""
    return f"{state_of(one):<9} {one.saved_at or 'no date':<14} {one.sop_instance_uid}  {one.reader}  {text}"


def _lines(one: CorrectionFile) -> list[str]:
    lines = [_line(one), f"  of series {one.of_series_uid}, result {one.workflow_id}", f"  saved with {one.software}"]
    lines += [f"  {r.severity} {r.code}: {r.text}" for r in one.reasons]
    if one.comparison is None:
        return lines
    for lung in one.comparison.lungs:
        lines.append(f"  {lung.side} lung: Dice {lung.dice:.4f}, ours {lung.ours_ml:.1f} ml, {lung.readers_ml:.1f} ml")
    for lesion in one.comparison.lesions:
        if lesion.ours is None:
            lines.append(f"  lesion {lesion.readers!r} was added, {lesion.readers_mm3:.0f} mm3")
        elif lesion.readers is None:
            lines.append(f"  lesion {lesion.ours!r} was removed, {lesion.ours_mm3:.0f} mm3")
        else:
            sizes = f"ours {lesion.ours_mm3:.0f} mm3, {lesion.readers_mm3:.0f} mm3"
            lines.append(f"  lesion {lesion.ours!r}: Dice {lesion.dice:.4f}, {sizes}")
    return lines


def _say(what: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(what)
    else:
        answer.print(", ".join(f"{key}: {value}" for key, value in what.items()), markup=False)
