"""What readers made of the results of this installation, counted: all of them, and by the models that made ours."""

from typing import Any

from node.engine.correction_file import CorrectionFile, all_corrections
from node.engine.stores import opened_stores
from node.review.compare import Comparison
from node.review.figures import figures
from node.settings import Settings


def acceptance(settings: Settings) -> dict[str, Any]:
    """Return the figures.

    `n_results` counts the runs that made a segmentation, studies that retention has removed included; `n_corrected`
    those of which a reader saved a changed one. Of several corrections of one result the last counts; all are kept.

    Raises
    ------
    NotYetThere
        ENV-DATA where the data folder is away, or no node ever began one: a question makes none in its place.
    """
    every = all_corrections(settings.data_dir)
    last = _last_of_each(every)
    with opened_stores(settings) as stores:
        n_results = stores.own.n_runs_with("SEG")
    n_corrected = sum(not comparison.is_unchanged for _, comparison in last)
    return {
        "n_results": n_results,
        "n_corrected": n_corrected,
        "corrected_percent": 100.0 * n_corrected / n_results if n_results else None,
        "n_segmentations": len(every),
        "n_not_used": sum(c.comparison is None for c in every),
        "n_withdrawn": sum(c.withdrawn for c in every),
        "n_readers": len({c.reader for c, _ in last if c.reader}),
        **figures([comparison for _, comparison in last]),
        "models": _by_model(last),
    }


def _last_of_each(every: tuple[CorrectionFile, ...]) -> list[tuple[CorrectionFile, Comparison]]:
    """Keep the last used correction of each result; they come in the order in which they were saved."""
    last = {c.workflow_id: (c, c.comparison) for c in every if c.is_used and c.comparison is not None}
    return list(last.values())


def _by_model(last: list[tuple[CorrectionFile, Comparison]]) -> list[dict[str, Any]]:
    by: dict[tuple[str, str], list[Comparison]] = {}
    for correction, comparison in last:
        for model in correction.models:
            by.setdefault((model.name, model.digest), []).append(comparison)
    return [{"name": name, "digest": digest, **figures(found)} for (name, digest), found in sorted(by.items())]
