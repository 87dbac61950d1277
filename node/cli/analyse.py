"""`lungnode analyse`: a folder of DICOM in, objects and `result.json` out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from node.cli.terminal import answer, print_foreign, print_json, progress
from node.errors import Affects, Reason, Severity
from node.settings import Rung, load

if TYPE_CHECKING:  # these modules load the imaging libraries
    from collections.abc import Mapping, Sequence
    from typing import Any

    from node.engine.outcome import Outcome
    from node.measure.quantity import Quantity

app = typer.Typer(add_completion=False)


@app.command()
def analyse(
    path: Path = typer.Argument(..., exists=True, help="A folder of DICOM, searched recursively, or one file."),
    out: Path = typer.Option(..., "--out", help="Where objects, masks and result.json go."),
    route: str | None = typer.Option(None, "--route", help="Use this route alone."),
    lungs: str | None = typer.Option(None, "--lungs", help="Lung model instead of the route's."),
    lesions: str | None = typer.Option(None, "--lesions", help="Lesion model instead of the route's."),
    objects: list[Rung] | None = typer.Option(
        None,
        "--objects",
        help="Kind of object to write, may be given several times; where not given, all that any destination of the "
        "settings gets, and without destinations SEG, SR and NOTICE.",
    ),
    config: Path | None = typer.Option(None, "--config", help="Settings (lungnode.toml)."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Analyse the study in a folder without any server.

    Example: lungnode analyse study/ --out result/

    Exit status: 0 done, 3 refused or nothing to analyse (codes in the output), 5 settings.
    """
    from node.engine.folder import Asked, analyse_folder  # noqa: PLC0415 - loads the imaging libraries

    asked = Asked(route, lungs, lesions, tuple(objects) if objects else None)
    with progress() as bar:
        task = bar.add_task("starting", total=None)
        outcome = analyse_folder(path, out, load(config), asked, lambda step: bar.update(task, description=step))
    out.mkdir(parents=True, exist_ok=True)
    result = outcome.as_json(out)
    temporary = out / ".result.json.part"
    temporary.write_text(json.dumps(result, ensure_ascii=False, indent=2), encoding="utf-8")
    temporary.replace(out / "result.json")
    if as_json:
        print_json(result)
    else:
        _show(outcome, out)
    if outcome.verdict.exit_code:
        raise typer.Exit(outcome.verdict.exit_code)


def _show(outcome: "Outcome", out: Path) -> None:
    answer.print(f"[bold]{outcome.verdict.value}[/]  study {outcome.study_instance_uid}")
    for reason in outcome.reasons:
        answer.print(f"  {_weight(reason):28} {reason.code.value:12} {reason.text}", markup=False)
    if outcome.measurements:
        answer.print(measurement_table(outcome.measurements))
    for finding in outcome.findings:
        answer.print(f"  {finding_line(finding)}", markup=False, soft_wrap=True)
    for series in outcome.series:
        codes = ", ".join(r.code.value for r in series.reasons)
        answer.print(f"  {series.role.value:11} {series.modality:3} {series.series_instance_uid} {codes}", markup=False)
    for file in (f for f in outcome.files if not f.foreign):
        answer.print(f"  unread      {file.code.value} {file.path}", markup=False)
    print_foreign(file.foreign for file in outcome.files)
    answer.print(f"results in {out}", markup=False)


def finding_line(finding: "Mapping[str, Any]") -> str:
    """Say of one finding what it is called, where it lies and how large it is, or by which codes it is not measured."""
    first, last = finding["slices"]
    place = " ".join(str(part) for part in (finding["side"], finding["zone"] and f"{finding['zone']} zone") if part)
    long_mm, short_mm, volume_mm3 = finding["long_axis_mm"], finding["more"]["short_axis_mm"], finding["volume_mm3"]
    sizes = [f"{long_mm:.0f} x {short_mm:.0f} mm"] if long_mm is not None and short_mm is not None else []
    sizes += [f"{volume_mm3:.0f} mm3"] if volume_mm3 is not None else []
    told = [*(sizes or ["not measured"]), *finding["codes"]] + (["uncertain"] if finding["uncertain"] else [])
    return f"{finding['name']}: {place}, slices {first + 1} to {last + 1} from the feet: {', '.join(told)}"


def _weight(reason: Reason) -> str:
    """Say what a reason does in a person's words: stop the series, withhold a part, or warn."""
    if reason.severity is Severity.WARN:
        return "warning"
    if Affects.SERIES in reason.affects:
        return "refused"
    return "withholds " + ", ".join(reason.affects)


def measurement_table(measurements: "Sequence[Quantity]") -> Table:
    """Lay the quantities out as one row per name, one column per side."""
    table = Table("", "right", "left", "both")
    measurements = [q for q in measurements if q.zone is None]  # the zones stand in result.json
    names = dict.fromkeys(q.name for q in measurements)
    for name in names:
        cells = {q.side.value: _cell(q) for q in measurements if q.name is name}
        unit = next(q.unit for q in measurements if q.name is name)
        table.add_row(f"{name.value} ({unit})", *(cells.get(side, "") for side in ("right", "left", "both")))
    return table


def _cell(quantity: "Quantity") -> str:
    if quantity.value is None:
        return "withheld: " + ", ".join(r.code.value for r in quantity.refused_by)
    return f"{quantity.value:.1f}" + (" (partial)" if quantity.partial else "")
