"""`lungnode bench`: ratios against the peers, taken in one run on this machine."""

from collections.abc import Callable, Sequence

import typer
from rich.table import Table

from node.bench.machine import machine
from node.bench.row import Row
from node.cli.terminal import answer, print_json, to_person

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Ratios against DCMTK, Orthanc, SimpleITK and highdicom in one run.",
)

_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")


@app.command()
def receive(as_json: bool = _JSON) -> None:
    """C-STORE receive, flushed to disk, against storescp and Orthanc.

    Example: lungnode bench receive --json
    """
    from node.bench.receive import bench_receive  # noqa: PLC0415 - each bench loads its own peers

    _show(bench_receive, as_json=as_json)


@app.command()
def read(as_json: bool = _JSON) -> None:
    """Series to volume, against SimpleITK's series reader and the plain pydicom loop.

    Example: lungnode bench read
    """
    from node.bench.read import bench_read  # noqa: PLC0415

    _show(bench_read, as_json=as_json)


@app.command()
def encode(as_json: bool = _JSON) -> None:
    """Segmentation encoded, written, read back and compared, against highdicom's encoding alone.

    Example: lungnode bench encode
    """
    from node.bench.encode import bench_encode  # noqa: PLC0415

    _show(bench_encode, as_json=as_json)


@app.command()
def pipeline(as_json: bool = _JSON) -> None:
    """Time from a complete case to SEG and SR stored in Orthanc, and from a volume to lungs and lesions.

    Example: lungnode bench pipeline
    """
    from node.bench.lesions import bench_lesions  # noqa: PLC0415
    from node.bench.pipeline import bench_pipeline  # noqa: PLC0415

    _show(lambda: [*bench_pipeline(on_step=to_person.print), *bench_lesions()], as_json=as_json)


@app.command()
def lesions(
    model: list[str] = typer.Argument(None, help="Lesion models; none: all that are installed."),
    as_json: bool = _JSON,
) -> None:
    """Lungs and lesions of a 300-slice CT, from the volume to labels.

    Example: lungnode bench lesions --json
    """
    from node.bench.lesions import bench_lesions  # noqa: PLC0415

    _show(lambda: bench_lesions(model or ()), as_json=as_json)


@app.command()
def segment(as_json: bool = _JSON) -> None:
    """Lungs of a series by each installed model, against the R231 architecture in its fastest runtime.

    Example: lungnode bench segment --json
    """
    from node.bench.segment import bench_segment  # noqa: PLC0415

    _show(bench_segment, as_json=as_json)


@app.command()
def idle(as_json: bool = _JSON) -> None:
    """Processor time and memory of a node that has nothing to do; start of the receiver.

    Example: lungnode bench idle
    """
    from node.bench.idle import bench_idle  # noqa: PLC0415

    _show(lambda: bench_idle(to_person.print), as_json=as_json)


def _show(measure: Callable[[], Sequence[Row]], *, as_json: bool) -> None:
    rows = measure()
    if as_json:
        print_json({"rows": [row.as_json() for row in rows], "machine": machine()})
        return
    table = Table("what", "ours", "peer", "unit", "ratio", "target", "met")
    for row in rows:
        shown = row.as_json()
        peer = "" if row.peer is None else f"{row.peer:.3g} {row.peer_name}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        met = {True: "yes", False: "NO", None: ""}[row.met]
        table.add_row(row.what, f"{row.ours:.3g}", peer, row.unit, ratio, shown["target"], met)
    answer.print(table)
    answer.print(machine())
