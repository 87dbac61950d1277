"""What is printed of a PET in pictures and PDF: numbers rounded as a person reads them, codes where there are none."""

from collections.abc import Sequence

from node.errors import Severity
from node.measure.pet.pet_findings import LesionPet, PetFindings
from node.measure.pet.uptake_quantity import Statistic, Threshold, UptakeQuantity
from node.report.pet_groups import (
    NOT_TOLD_APART,
    PLACE,
    SEARCHED,
    continuous_words,
    maximum_lps_mm,
    side_words,
    where_of_foci,
)
from node.report.pet_result import MeasuredPet, PetResult
from node.report.reason_table import in_words
from node.volume.pet import SuvKind

MASS_WORDS = {
    SuvKind.BW: "by body weight",
    SuvKind.LBM: "by lean body mass (James)",
    SuvKind.LBMJANMA: "by lean body mass (Janmahasatian)",
    SuvKind.LBMJAMES128: "by lean body mass (James, 128)",
}
_THRESHOLDS = {Threshold.MTV41: "41 %", Threshold.MTV25: "2.5", Threshold.MTV40: "4.0"}
_WHOLE_G = 10.0
NAMED_FOCI = 3  # whose SUVmax stands in the words about all of them


def uptake_words(lesion: LesionPet, kind: SuvKind) -> list[str]:
    """Return the PET's numbers of one lesion in short lines, or the codes that withhold them."""
    if lesion.refused_by:
        return [f"PET not measured: {', '.join(in_words(lesion.refused_by))}"]
    named = (("SUVmax", Statistic.MAX), ("SUVpeak", Statistic.PEAK), ("SUVmean", Statistic.MEAN))
    values = [(name, lesion.value(statistic, kind)) for name, statistic in named]
    given = ", ".join(f"{name} {value:.1f}" for name, value in values if value is not None)
    lines = [f"PET: {given} g/ml, {MASS_WORDS[kind]}"]
    volume_ml = lesion.value(Statistic.MTV, kind, Threshold.MTV41)
    glycolysis_g = lesion.value(Statistic.TLG, kind, Threshold.MTV41)
    if volume_ml is not None and glycolysis_g is not None:
        lines.append(f"Metabolic volume {volume_ml:.1f} ml, TLG {_glycolysis(glycolysis_g)} g (41 % of SUVmax)")
    lean = lesion.value(Statistic.MAX, SuvKind.LBMJANMA)
    if lean is not None and kind is SuvKind.BW:
        lines.append(f"SULmax {lean:.1f} g/ml, {MASS_WORDS[SuvKind.LBMJANMA]}")
    withheld = (r for quantity in lesion.quantities for r in quantity.refused_by)
    remarks = in_words((*withheld, *lesion.warnings))
    if remarks:
        lines.append(f"PET remarks: {', '.join(remarks)}")
    if lesion.shares_maximum_with:
        lines.append(f"Maximum shared with {', '.join(lesion.shares_maximum_with)}")
    return lines


def reference_words(found: PetFindings) -> str:
    """Return the uptake of liver and blood, as far as they were found for certain."""
    named = (("liver", found.liver), ("blood (descending aorta)", found.mediastinum))
    known = [f"{name} {sphere.suv_mean:.1f}" for name, sphere in named if sphere is not None]
    if not known:
        return "No reference of liver or blood was found for certain"
    return f"Reference SUVmean: {', '.join(known)} g/ml"


def foci_words(found: PetFindings, *, searched_ct: bool) -> str:
    """Return how many candidates there are, and the hottest.

    Parameters
    ----------
    searched_ct : whether lesions were looked for on the CT; candidates then lie outside those.
    """
    where = where_of_foci(searched_ct=searched_ct)
    if found.foci is None:
        return f"Foci {where} were not looked for"
    if not found.foci:
        return f"No FDG-avid focus {where} was listed by this software"
    hottest = ", ".join(f"{focus.suv_max:.1f}" for focus in found.foci[:NAMED_FOCI])
    more = " and lower" if len(found.foci) > NAMED_FOCI else ""
    return f"FDG-avid foci {where}, candidates ({NOT_TOLD_APART}): {len(found.foci)}, SUVmax {hottest}{more}"


def pet_lines(pet: PetResult, *, searched_ct: bool) -> list[str]:
    """Return what is said of the PET as a whole, in short lines; the codes of one that was refused come first."""
    if pet.measured is None:
        refusing = [r for r in pet.reasons if r.severity is Severity.REFUSE]
        return [f"PET not measured: {', '.join(in_words(refusing or pet.reasons))}"]
    found = pet.measured.found
    remarks = ", ".join(in_words(pet.reasons))
    words = foci_words(found, searched_ct=searched_ct)
    n_unmarked = len(found.foci or ()) - NAMED_FOCI
    if n_unmarked > 0:
        words += f" (the {NAMED_FOCI} hottest are marked, the other {n_unmarked} are not)"
    return [reference_words(found), words, *([f"PET remarks: {remarks}"] if remarks else [])]


def table_head(kind: SuvKind) -> Sequence[str]:
    """Return the column heads of the PET's table."""
    suv = "SUV" if kind is SuvKind.BW else "SUL"
    volumes = (f"{what} {at}, {unit}" for at in _THRESHOLDS.values() for what, unit in (("MTV", "ml"), ("TLG", "g")))
    return ("Name", f"{suv}max", f"{suv}peak", f"{suv}mean", *volumes, "SULmax")


def table_row(lesion: LesionPet, kind: SuvKind) -> Sequence[str]:
    """Return one lesion's row; a number that is withheld shows its codes, whose words `table_foot` has."""
    if lesion.refused_by:
        return (lesion.name, f"not measured: {', '.join(in_words(lesion.refused_by))}", *[""] * 9)
    wanted = [(statistic, kind, None) for statistic in (Statistic.MAX, Statistic.PEAK, Statistic.MEAN)]
    volumes = [(statistic, kind, t) for t in _THRESHOLDS for statistic in (Statistic.MTV, Statistic.TLG)]
    lean = (Statistic.MAX, SuvKind.LBMJANMA, None)
    return (lesion.name, *(_cell(lesion, *which) for which in (*wanted, *volumes, lean)))


def table_foot(lesions: Sequence[LesionPet], kind: SuvKind) -> str:
    """Return what the codes in the cells of these lesions mean; "" where every number is given."""
    shown = [q for lesion in lesions if not lesion.refused_by for q in lesion.quantities if _has_column(q, kind)]
    withholding = in_words(reason for quantity in shown for reason in quantity.refused_by)
    return f"Not given: {', '.join(withholding)}." if withholding else ""


def _has_column(quantity: UptakeQuantity, kind: SuvKind) -> bool:
    return quantity.kind is kind or (quantity.statistic, quantity.kind) == (Statistic.MAX, SuvKind.LBMJANMA)


def _cell(lesion: LesionPet, statistic: Statistic, kind: SuvKind, threshold: Threshold | None) -> str:
    quantity = next(
        (q for q in lesion.quantities if (q.statistic, q.kind, q.threshold) == (statistic, kind, threshold)), None
    )
    if quantity is None:
        return ""
    if quantity.value is None:
        return f"not given: {', '.join(dict.fromkeys(r.code.value for r in quantity.refused_by))}"
    return _glycolysis(quantity.value) if statistic is Statistic.TLG else f"{quantity.value:.1f}"


def _glycolysis(glycolysis_g: float) -> str:
    """Return whole grams, a small one to two digits: it is never printed as 0."""
    return f"{glycolysis_g:.0f}" if glycolysis_g >= _WHOLE_G else f"{glycolysis_g:.2g}"


def foci_lines(pet: MeasuredPet, n_listed: int) -> list[str]:
    """Return one line for each of the hottest candidates, at the place of its maximum, and how many more there are."""
    found = pet.found.foci or ()
    lines = [
        f"Candidate {number}: SUVmax {focus.suv_max:.1f} g/ml at "
        + PLACE.format(*maximum_lps_mm(focus, pet.volume.lps_from_zyx))
        + side_words(focus)
        + _image_words(pet, focus.maximum_zyx[0])
        + f", {focus.volume_ml:.1f} ml at SUV 4.0 and more"
        + (f", {continuous_words(focus)}" if focus.continuous_with else "")
        + (f", of the part inside the searched {SEARCHED}; it goes on beyond" if focus.cut else "")
        for number, focus in enumerate(found[:n_listed], start=1)
    ]
    rest = found[n_listed:]
    if rest:
        hottest = f"SUVmax {rest[0].suv_max:.1f}"
        alone = f"1 further candidate of {hottest}"
        several = f"{len(rest)} further candidates of {hottest} and less"
        lines.append(f"{alone if len(rest) == 1 else several}: neither listed nor marked here")
    return lines


def _image_words(pet: MeasuredPet, z: int) -> str:
    """Return which PET image shows a slice, by its Instance Number; "" where it has none."""
    if not pet.volume.frames:
        return ""
    uid = pet.volume.frames[z].sop_instance_uid
    number = next(f.facts.instance_number for f in pet.volume.series.files if f.facts.sop_instance_uid == uid)
    return "" if number is None else f", PET image {number}"
