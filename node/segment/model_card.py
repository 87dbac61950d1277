"""What a model's folder says of itself: `model.toml`, read strictly, and the digest of what changes a result.

The digest is SHA-256 over the names and contents of all files but texts for people and pictures, so that other
weights, another threshold or another algorithm never share a digest. Weights are listed in `model.toml` with their
own SHA-256 and compared with it before they are loaded.
"""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.errors import Misconfigured
from node.segment.contract import Task

_FOR_PEOPLE = frozenset({".md", ".png", ".jpg", ".jpeg", ".svg", ".csv"})

NAME = r"[a-z0-9][a-z0-9.-]{0,31}"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelCard(BaseModel):
    """One installed model.

    Attributes
    ----------
    name : the folder's name.
    version : raised by whoever trains or changes it.
    title, paper, licence : for people; `paper` is the project's short name of a publication, or empty.
    kind : which code runs it; `rules` or the name of a network.
    tasks : what it finds.
    algorithm : the code's constant that it was made for.
    files : SHA-256 of its weights and tables by file name.
    options : numbers and texts that its code reads.
    digest : SHA-256 of everything in the folder that changes a result.
    verified : whether all of `files` are there and unchanged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=f"^{NAME}$")
    version: str
    title: str
    paper: str = ""
    licence: str
    kind: str
    tasks: tuple[Task, ...] = Field(min_length=1)
    algorithm: str
    files: dict[str, Sha256] = {}
    options: dict[str, str | int | float | bool] = {}
    digest: str
    verified: bool
    folder: Path

    def text(self) -> str:
        """Return the card for people, `CARD.md`, or what `model.toml` says where there is none."""
        path = self.folder / "CARD.md"
        return path.read_text(encoding="utf-8") if path.is_file() else f"{self.title}, version {self.version}"


def read_card(folder: Path) -> ModelCard:
    """Read one model's folder.

    Raises
    ------
    Misconfigured
        SYS-MODEL where `model.toml` cannot be read or does not fit the folder.
    """
    try:
        told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
        card = ModelCard(**told, digest=_digest(folder), verified=False, folder=folder)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise Misconfigured("SYS-MODEL", f"the model in {folder} cannot be read: {error}") from error
    if card.name != folder.name:
        raise Misconfigured("SYS-MODEL", f"the model in {folder} calls itself {card.name!r}; rename the folder")
    return card.model_copy(update={"verified": not changed_files(card)})


def changed_files(card: ModelCard) -> tuple[str, ...]:
    """Name the files that are missing, changed or not listed in `model.toml`."""
    changed = [name for name, digest in card.files.items() if _file_digest(card.folder / name) != digest]
    listed = {"model.toml", *card.files}
    strays = [path.name for path in _files(card.folder) if path.name not in listed]
    return (*changed, *strays)


def _digest(folder: Path) -> str:
    total = sha256()
    for path in _files(folder):
        total.update(f"{path.name}\0{_file_digest(path)}\n".encode())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return sorted((path for path in found if path.suffix.lower() not in _FOR_PEOPLE), key=lambda path: path.name)


def _file_digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        total = sha256()
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
