"""Installed lesion models and trainings, ready to look through whole scans."""

from collections.abc import Sequence
from pathlib import Path

from node.learn.candidate_set import Seen
from node.learn.lesion_train import BEST
from node.learn.lesion_trained import Trained, trained
from node.segment.folding import folded
from node.segment.lesions.finder import Finder, FindPlan
from node.segment.lesions.model import load_network_lesions
from node.segment.lesions.net import LesionNet, NetPlan
from node.segment.registry import verify
from node.segment.runtime import Runtime


def seen_of(name: str, models_dir: Path | None, runtime: Runtime, like: Finder | None = None) -> Seen:
    """Return a model by its name, a training by its folder, or the mean of several trainings: `one+other`.

    Parameters
    ----------
    like : a training answers as this finder does: its threshold, tiles, flips and groups of slices.

    Raises
    ------
    InputRefused, Misconfigured
        MODEL-UNKNOWN or SYS-MODEL where it cannot be loaded.
    """
    runs = [Path(part) for part in name.split("+")]
    if all((run / BEST).is_file() for run in runs):
        return _of_runs(runs, runtime, like)
    model = load_network_lesions(verify(name, models_dir), lambda member: verify(member, models_dir))
    return Seen(model.finder, model.train_cases)


def _of_runs(runs: Sequence[Path], runtime: Runtime, like: Finder | None) -> Seen:
    all_trained = [trained(run, runtime) for run in runs]
    finding = FindPlan() if like is None else like.plan
    nets = [_net_of(one, runtime, like) for one in all_trained]
    return Seen(Finder(nets, finding), frozenset().union(*(one.train_cases for one in all_trained)))


def _net_of(one: Trained, runtime: Runtime, like: Finder | None) -> LesionNet:
    how = NetPlan(one.plan.recipe) if like is None else like.nets[0].plan
    plan = NetPlan(
        recipe=one.plan.recipe,
        mean_hu=one.moments_hu[0],
        sd_hu=one.moments_hu[1],
        size=one.plan.size,
        neighbours=one.plan.neighbours,
        run_length=one.plan.run_length,
        width=int(one.plan.sizes["width"]),
        flips=how.flips,
        step_mm=how.step_mm,
        tiles=how.tiles,
    )
    return LesionNet(folded(one.model), plan, runtime)
