"""From the elements of a PET's header to `PetFacts`: one field, one attribute, one clause.

Private elements are found by the creator that reserved their block, never by a fixed block number (PS3.5 7.8.1).
"""

import re
from datetime import datetime, time

from node.facts.pet import PetFacts, TracerFacts
from node.facts.values import Values

_MOST_TRACERS = 8
_MOST_CODES = 4
_GE = ("GEMS_PETD_01", 0x0009)
_SIEMENS = ("SIEMENS MED PT", 0x0071)
_PHILIPS = ("Philips PET Private Group", 0x7053)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})(?:\.(\d{1,6}))?")
_DATETIME = re.compile(r"(\d{8})(\d{6}(?:\.\d{1,6})?)(?:[+-]\d{4})?")


def pet_facts(values: Values, acquired: str) -> PetFacts:
    """Read what is special to PET.

    Parameters
    ----------
    values : the top-level elements
    acquired : acquisition date and time as one text, "" if unknown
    """
    tracers = values.header.items("RadiopharmaceuticalInformationSequence", _MOST_TRACERS)
    return PetFacts(
        n_tracers=len(tracers),
        tracer=_tracer(values.within(tracers[0])) if tracers else None,
        weight_kg=values.decimal("PatientWeight"),
        size_m=values.decimal("PatientSize"),
        units=values.code("Units"),
        suv_type=values.code("SUVType"),
        corrected_image=values.codes("CorrectedImage"),
        counts_source=values.code("CountsSource"),
        series_type=values.codes("SeriesType"),
        decay_correction=values.code("DecayCorrection"),
        attenuation_method=values.text("AttenuationCorrectionMethod"),
        series_started=moment(values.code("SeriesDate") + values.code("SeriesTime")),
        acquired=moment(acquired),
        frame_duration_s=_seconds(values.decimal("ActualFrameDuration")),
        frame_reference_s=_seconds(values.decimal("FrameReferenceTime")),
        decay_factor=values.decimal("DecayFactor"),
        ge_scan_started=moment(_private(values, *_GE, 0x0D)),
        siemens_decay_reference=moment(_private(values, *_SIEMENS, 0x22)),
        philips_suv_factor=_number(_private(values, *_PHILIPS, 0x00)),
        philips_activity_factor=_number(_private(values, *_PHILIPS, 0x09)),
    )


def moment(text: str) -> datetime | None:
    """Return a DT, or a DA and a TM written together, with seconds; None for anything else."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    at = clock(match[2])
    try:
        return None if at is None else datetime.combine(datetime.strptime(match[1], "%Y%m%d").date(), at)
    except ValueError:
        return None


def clock(text: str) -> time | None:
    """Return a TM with seconds; None for anything else (a time to the minute decides no decay)."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        return time(int(match[1]), int(match[2]), int(match[3]), int((match[4] or "").ljust(6, "0")))
    except ValueError:
        return None


def _tracer(item: Values) -> TracerFacts:
    codes = [item.within(c) for c in item.header.items("RadiopharmaceuticalCodeSequence", _MOST_CODES)]
    nuclides = [item.within(c) for c in item.header.items("RadionuclideCodeSequence", _MOST_CODES)]
    names = (item.text("Radiopharmaceutical"), *(c.text("CodeMeaning") for c in codes))
    return TracerFacts(
        names=tuple(filter(None, names)),
        code_values=tuple(filter(None, (c.text("CodeValue") for c in codes))),
        nuclide_names=tuple(filter(None, (c.text("CodeMeaning") for c in nuclides))),
        nuclide_code_values=tuple(filter(None, (c.text("CodeValue") for c in nuclides))),
        total_dose_bq=item.decimal("RadionuclideTotalDose"),
        half_life_s=item.decimal("RadionuclideHalfLife"),
        started=moment(item.code("RadiopharmaceuticalStartDateTime")),
        start_time=clock(item.code("RadiopharmaceuticalStartTime")),
    )


def _private(values: Values, creator: str, group: int, element: int) -> str:
    """Return a private text, "" where no block of the group has this creator or the element is absent."""
    for block in range(0x10, 0x100):
        raw = values.header.raw_at(group << 16 | block)
        if raw is not None and raw.decode("ascii", "replace").strip(" \0") == creator:
            found = values.header.raw_at(group << 16 | block << 8 | element) or b""
            return found[:64].decode("ascii", "replace").strip(" \0")
    return ""


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000.0
