"""Installed lesion models and trainings, ready to look through whole scans."""

from dataclasses import asdict, replace
from pathlib import Path

from node.errors import InputRefused, Misconfigured
from node.learn.lesion_trained import Trained, answering, refuse_lungs
from node.learn.run_folder import BEST
from node.learn.seen import Seen
from node.segment.contract import Task
from node.segment.folding import folded
from node.segment.lesions.finder import Finder, FindPlan
from node.segment.lesions.model import load_network_lesions, net_plan_of
from node.segment.lesions.net import LesionNet
from node.segment.registry import verify
from node.segment.runtime import Runtime


def seen_of(
    name: str, models_dir: Path | None, runtime: Runtime, like: Finder | None = None, *, uncalibrated: bool = False
) -> Seen:
    """Return a model by its name, a training by its folder, or the mean of several: `one+other`.

    Installed networks and trainings may be mixed; an installed ensemble stands alone.

    Parameters
    ----------
    like : whatever is named answers as this finder does: its threshold, tiles, flips, groups of slices, confidence,
        outlines.
    uncalibrated : leave an installed model's confidence unread.

    Raises
    ------
    InputRefused, Misconfigured
        MODEL-UNKNOWN or SYS-MODEL where it cannot be loaded.
    """
    names = name.split("+")
    if like is None and len(names) == 1 and not (Path(name) / BEST).is_file():
        card = verify(name, models_dir)
        refuse_lungs(name, is_lesions=Task.LUNGS not in card.tasks)
        if Task.LESIONS not in card.tasks:
            text = f"{name} finds nothing on scans, it draws what others found: judge it by `lungnode judge-lesions`"
            raise Misconfigured("SYS-MODEL", text)
        model = load_network_lesions(card, lambda member: verify(member, models_dir), uncalibrated=uncalibrated)
        return Seen(model.finder, model.train_cases)
    loaded = [_answering(one, models_dir, runtime) for one in names]
    nets = [_net_of(one, runtime, like) for one in loaded]
    plain = Finder(nets, FindPlan())
    finder = plain if like is None else Finder(nets, like.plan, like.confidence, like.outliner)
    return Seen(finder, frozenset().union(*(one.train_cases for one in loaded)))


def _answering(name: str, models_dir: Path | None, runtime: Runtime) -> Trained:
    """Return one network by folder or name.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN for an ensemble: its members are to be named.
    """
    found = answering(name, models_dir, runtime)
    if len(found) > 1:
        raise InputRefused("MODEL-UNKNOWN", f"{name!r} is an ensemble: name its members, one+other")
    return found[0]


def _net_of(one: Trained, runtime: Runtime, like: Finder | None) -> LesionNet:
    plan = net_plan_of(asdict(one.plan), one.moments_hu)
    if like is not None:
        how = like.nets[0].plan
        plan = replace(plan, flips=how.flips, step_mm=how.step_mm, tiles=how.tiles)
    return LesionNet(folded(one.model), plan, runtime)
