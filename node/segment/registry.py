"""The installed models: which there are, whether they are unchanged, and the loaded one behind the contract.

Models are looked for in the folder that the settings name, else beside the package: the repository's `models/`, or
what an installed wheel put there.
"""

from pathlib import Path

from node.errors import Misconfigured
from node.segment.contract import LesionModel, LungModel, ModelIdentity, Task
from node.segment.ensemble import ALGORITHM as ENSEMBLE
from node.segment.ensemble import CompletesMasses, load_ensemble, needs_of
from node.segment.lesions.sureness import AS_THE_MODEL_SAYS, Sureness
from node.segment.model_card import ModelCard, changed_files, read_card
from node.shipped import shipped


def installed(models_dir: Path | None = None) -> tuple[ModelCard, ...]:
    """List the installed models by name.

    Raises
    ------
    Misconfigured
        SYS-MODEL where there is no such folder or one of the models cannot be read.
    """
    folder = models_folder(models_dir)
    return tuple(read_card(path.parent) for path in sorted(folder.glob("*/model.toml")))


def models_folder(models_dir: Path | None = None) -> Path:
    """Find the folder of models."""
    folder = models_dir or shipped("models")
    if not folder.is_dir():
        raise Misconfigured("SYS-MODEL", f"no folder of models at {folder}; set models_dir in the settings")
    return folder


def find(name: str, models_dir: Path | None = None) -> ModelCard:
    """Return the card of an installed model, changed or not; the others are not read.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it is not installed or cannot be read.
    """
    folder = models_folder(models_dir)
    names = sorted(path.parent.name for path in folder.glob("*/model.toml"))
    if name not in names:
        raise Misconfigured("SYS-MODEL", f"model {name!r} is not installed; there are: {', '.join(names) or 'none'}")
    return read_card(folder / name)


def verify(name: str, models_dir: Path | None = None) -> ModelCard:
    """Return the card of a model whose files are all unchanged, as are those of the models that it needs.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it or one that it needs is not installed, or a file is missing, changed or not listed.
    """
    return _verified(name, models_dir, frozenset())


def _verified(name: str, models_dir: Path | None, above: frozenset[str]) -> ModelCard:
    """Verify a model and what it needs but those `above` it: one that names itself is refused when it is loaded."""
    card = find(name, models_dir)
    if not card.verified:
        changed = ", ".join(changed_files(card))
        raise Misconfigured("SYS-MODEL", f"model {name!r}: not as shipped: {changed}; install it again")
    for needed in needs_of(card):
        if needed not in above | {name}:
            try:
                _verified(needed, models_dir, above | {name})
            except Misconfigured as error:
                raise Misconfigured("SYS-MODEL", f"model {name!r} needs {needed!r}: {error.message}") from error
    return card


def load_lungs(name: str, models_dir: Path | None = None, threads: int = 0, *, device: str = "auto") -> LungModel:
    """Load a lung model, verified.

    Parameters
    ----------
    name : of an installed model with the task `lungs`.
    models_dir : None takes the shipped models.
    threads : 0 takes all cores.
    device : auto, cpu or cuda; where networks run.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it is not installed, changed, made for another version of the code or no lung model, and where
        there is no such device.
    """
    card = verify(name, models_dir)
    if Task.LUNGS not in card.tasks:
        raise Misconfigured("SYS-MODEL", f"model {name!r} finds {', '.join(card.tasks)}, not lungs")
    if card.kind == "rules":
        from node.segment.rules import ALGORITHM, RUNTIME, RuleLungs  # noqa: PLC0415  SimpleITK loads slowly

        _check_algorithm(card, ALGORITHM)
        return RuleLungs(_identity(card, RUNTIME), threads)
    if card.kind == "ensemble":
        _check_algorithm(card, ENSEMBLE)
        return load_ensemble(
            card,
            lambda member: load_lungs(member, models_dir, threads, device=device),
            lambda name: _load_masses(name, models_dir, threads, device),
        )
    from node.segment.network_model import load_network_lungs  # noqa: PLC0415  torch loads slowly

    return load_network_lungs(card, threads, device)


def load_lesions(
    name: str, models_dir: Path | None = None, threads: int = 0, sureness: Sureness = AS_THE_MODEL_SAYS,
    *, device: str = "auto",
) -> LesionModel:  # fmt: skip
    """Load a lesion model, verified; of an ensemble, its members too.

    Parameters
    ----------
    name : of an installed model with the task `lesions`.
    models_dir : None takes the shipped models.
    threads : 0 takes all cores.
    sureness : what becomes of lesions that are not sure.
    device : auto, cpu or cuda; where networks run.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it is not installed, changed, made for another version of the code or no lesion model, and where
        there is no such device.
    """
    card = verify(name, models_dir)
    if Task.LESIONS not in card.tasks:
        raise Misconfigured("SYS-MODEL", f"model {name!r} finds {', '.join(card.tasks)}, not lesions")
    from node.segment.lesions.model import load_network_lesions  # noqa: PLC0415  torch loads slowly

    return load_network_lesions(card, lambda member: verify(member, models_dir), threads, device, sureness)


def _load_masses(name: str, models_dir: Path | None, threads: int, device: str) -> CompletesMasses:
    from node.segment.mass_finder import load_mass_finder  # noqa: PLC0415  torch loads slowly
    from node.segment.runtime import runtime  # noqa: PLC0415

    return load_mass_finder(verify(name, models_dir), threads, runtime(device))


def _check_algorithm(card: ModelCard, ours: str) -> None:
    if card.algorithm != ours:
        text = f"model {card.name!r} was made for {card.algorithm!r}, this program has {ours!r}"
        raise Misconfigured("SYS-MODEL", text)


def _identity(card: ModelCard, runtime: str) -> ModelIdentity:
    return ModelIdentity(card.name, card.version, card.digest, Task.LUNGS, runtime)
