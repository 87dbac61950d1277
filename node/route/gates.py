"""What is skipped whatever the routes say, each with its code (standards 4.6), and what must not be used (4.4)."""

from node.errors import Code, Reason, refuse, warn
from node.facts.derived import derivation, is_localizer
from node.facts.instance import InstanceFacts
from node.facts.series import SeriesFacts
from node.route.case import Known, Passed, Role
from node.route.chest import body_evidence
from node.route.vocabulary import SOP_CLASSES, SopClass

MODALITIES = frozenset(("CT", "PT"))
_PET_CLASSES = frozenset((SopClass.PET, SopClass.ENHANCED_PET, SopClass.LEGACY_ENHANCED_PET))


def gate(series: SeriesFacts, known: Known) -> Passed | None:
    """Return why a series is not offered to the routes, None where it is.

    A series is left only if **every** instance of it is to be left; the first instance's reason is given. One scout or
    screenshot inside an axial series does not cost the series: `volume` judges it.
    """
    uids = (series.series_instance_uid, *(file.facts.sop_instance_uid for file in series.files))
    if any(uid in known.rejected_uids for uid in uids):
        reason = refuse(Code.ID_REJECTED, "a rejection note of the archive names an instance of this series")
        return Passed(series, (reason,), Role.REFUSED)
    reasons = [_instance_gate(file.facts, known) for file in series.files]
    first = reasons[0]
    if first is None or any(reason is None for reason in reasons):
        return None
    return Passed(series, (first,), Role.SKIPPED)


def is_pet(series: SeriesFacts) -> bool:
    """Say whether it is PET, by modality or, where that is missing, by SOP class."""
    return (series.first.modality or "PT") == "PT" and SOP_CLASSES.get(series.first.sop_class_uid) in _PET_CLASSES


def _instance_gate(facts: InstanceFacts, known: Known) -> Reason | None:
    """Return the first reason of part 4.6 that holds for one instance."""
    return _own(facts, known) or _kind(facts) or _scout(facts) or _derived(facts) or _body(facts)


def own_result(series: SeriesFacts, known: Known) -> Passed | None:
    """Return why a series is one of our results, None where it is not."""
    reasons = [_own(file.facts, known) for file in series.files]
    first = reasons[0]
    return None if first is None or None in reasons else Passed(series, (first,), Role.SKIPPED)


def _own(facts: InstanceFacts, known: Known) -> Reason | None:
    if facts.sop_instance_uid in known.own_uids:
        return _skip(Code.RT_OWN, "this instance was made by this node")
    if (facts.manufacturer, facts.manufacturer_model_name) == known.own_equipment:
        return _skip(Code.RT_OWN, "General Equipment says that this node made it")
    return None


def _kind(facts: InstanceFacts) -> Reason | None:
    """RT-MODALITY and RT-SOP; a missing modality is not a "no"."""
    if facts.modality and facts.modality not in MODALITIES:
        return _skip(Code.RT_MODALITY, f"modality {facts.modality[:16]} is neither CT nor PT")
    if facts.sop_class_uid not in SOP_CLASSES:
        uid = facts.sop_class_uid[:64] or "missing"
        return _skip(Code.RT_SOP, f"SOP class {uid} holds no CT or PET images")
    return None


def _scout(facts: InstanceFacts) -> Reason | None:
    return _skip(Code.RT_LOCALIZER, "Image Type says LOCALIZER") if is_localizer(facts.image_type) else None


def _derived(facts: InstanceFacts) -> Reason | None:
    told = derivation(facts.image_type, facts.derivation_codes)
    return None if told is None else _skip(Code.RT_DERIVED, told)


def _body(facts: InstanceFacts) -> Reason | None:
    evidence = body_evidence(facts)
    if not evidence.is_elsewhere:
        return None
    return _skip(
        Code.RT_BODY, f"{' and '.join(evidence.elsewhere)} agree that it is no chest, and no header says chest"
    )


def _skip(code: Code, text: str) -> Reason:
    """Build the reason of a skip: it withholds nothing that anybody asked for, so it warns."""
    return warn(code, text)
