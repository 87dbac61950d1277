"""Is a study about one patient, and a series in one study? (ID-MIXPAT, ID-MIXSTUDY, standards 4.4)

Values that are missing contradict nothing; two different ones do. The name is compared after normalisation and only
warns: it may be corrected or transcribed.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from node.errors import Code, Reason, refuse, warn
from node.facts.series import SeriesFacts

_ATTRIBUTES = ("Patient ID", "Issuer of Patient ID", "Patient's Birth Date", "Patient's Sex")


def mixed_patients(study: Sequence[SeriesFacts]) -> Reason | None:
    """ID-MIXPAT, refusing, where the instances of a study name different patients; the text tells no values."""
    seen: list[set[str]] = [set() for _ in _ATTRIBUTES]
    for series in study:
        for file in series.files:
            for values, value in zip(seen, file.facts.patient.identity, strict=True):
                values.add(value)
    differing = [name for name, values in zip(_ATTRIBUTES, seen, strict=True) if len(values - {""}) > 1]
    if not differing:
        return None
    return refuse(Code.ID_MIXPAT, f"the instances of this study differ in {' and '.join(differing)}")


def differing_names(study: Sequence[SeriesFacts]) -> Reason | None:
    """ID-MIXPAT, warning, where only the names differ."""
    names = {_normal(file.facts.patient.patient_name) for series in study for file in series.files}
    if len(names - {""}) < 2:
        return None
    return warn(Code.ID_MIXPAT, "the instances of this study spell the patient's name differently")


def series_in_several_studies(all_series: Iterable[SeriesFacts]) -> frozenset[str]:
    """Return the Series Instance UIDs that stand in more than one study."""
    studies: defaultdict[str, set[str]] = defaultdict(set)
    for series in all_series:
        for file in series.files:
            studies[file.facts.series_instance_uid].add(file.facts.study_instance_uid)
    return frozenset(uid for uid, found in studies.items() if len(found) > 1)


def mixed_study() -> Reason:
    """ID-MIXSTUDY."""
    return refuse(Code.ID_MIXSTUDY, "the same Series Instance UID stands in two studies")


def _normal(name: str) -> str:
    """Return the alphabetic group without case, accents' form, empty components and repeated blanks."""
    alphabetic = unicodedata.normalize("NFC", name.split("=", maxsplit=1)[0]).casefold()
    return " ".join(alphabetic.replace("^", " ").split())
