"""What was told from outside about a study: how many instances to expect, and "analyse this now".

Each word is a small file, so that the process that hears it and the one that acts on it may be different ones.
"""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from node.engine.files import read_json, write_json
from node.errors import InputRefused
from node.store.layout import is_uid
from node.store.status import status_of

_MODALITY = re.compile("[A-Z0-9_ ]{1,16}")  # PS3.5 section 6.2, CS


@dataclass(frozen=True, slots=True)
class Expected:
    """A count that the source gave for a series."""

    study_instance_uid: str
    series_instance_uid: str
    n_instances: int
    at_s: float
    modality: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's wish to have a study or series analysed now."""

    uid: str
    at_s: float


def expect(data_dir: Path, study_uid: str, series_uid: str, n_instances: int, modality: str = "") -> None:
    """Keep a count; the last word counts. `modality` is for a person to read: what is none, is left out.

    Raises
    ------
    InputRefused
        API-VALUE where a UID is none or the count is not positive.
    """
    if not (is_uid(study_uid) and is_uid(series_uid)) or n_instances < 1:
        raise InputRefused("API-VALUE", "two UIDs and a count of at least 1 are wanted")
    value = {"study": study_uid, "series": series_uid, "n_instances": n_instances, "at_s": time.time()}
    if _MODALITY.fullmatch(modality):
        value["modality"] = modality
    write_json(data_dir / "expected" / study_uid / f"{series_uid}.json", value)


def ask(data_dir: Path, uid: str) -> None:
    """Keep the wish to have a study or series analysed.

    Raises
    ------
    InputRefused
        API-VALUE where it is no UID.
    """
    if not is_uid(uid):
        raise InputRefused("API-VALUE", "the UID of a study or series is wanted")
    write_json(data_dir / "asked" / f"{uid}.json", {"uid": uid, "at_s": time.time()})


def expected(data_dir: Path, study_uid: str) -> tuple[Expected, ...]:
    """Return the counts that are known for the series of a study."""
    found = [read_json(path) for path in sorted((data_dir / "expected" / study_uid).glob("*.json"))]
    return tuple(
        Expected(f["study"], f["series"], f["n_instances"], f["at_s"], f.get("modality", ""))
        for f in found
        if f is not None
    )


def forget_expected(data_dir: Path, *, before_s: float, but: set[str]) -> None:
    """Forget the counts of studies that have not come in all the time since."""
    for study in studies_told_of(data_dir).keys() - but:
        if all(told.at_s < before_s for told in expected(data_dir, study)):
            shutil.rmtree(data_dir / "expected" / study, ignore_errors=True)


def asked(data_dir: Path) -> tuple[Asked, ...]:
    """Return the wishes that nobody has answered."""
    found = [read_json(path) for path in sorted((data_dir / "asked").glob("*.json"))]
    return tuple(Asked(f["uid"], f["at_s"]) for f in found if f is not None)


def answered(data_dir: Path, uid: str) -> None:
    """Forget a wish."""
    (data_dir / "asked" / f"{uid}.json").unlink(missing_ok=True)


def studies_told_of(data_dir: Path) -> dict[str, int]:
    """Return the studies with counts, each with a number that changes when a count does."""
    statuses = {path.name: status_of(path) for path in (data_dir / "expected").glob("*")}
    return {study: status.st_mtime_ns for study, status in statuses.items() if status is not None}
