"""Derived UIDs: equal for equal input, other for any change that standards 1.3 names."""

import re
from dataclasses import replace

import pytest

from node.errors import Misconfigured
from node.report.uids import CaseIdentity, UidScheme, device_uid, digest_of_instances
from node.segment.contract import ModelIdentity
from tests.report.conftest import LESIONS, LUNGS, identity

CHANGES: dict[str, dict[str, object]] = {
    "study": {"study_uid": "1.2.9"},
    "series": {"source_series_uids": ("1.2.3", "1.2.4")},
    "pixels": {"instances_digest": digest_of_instances([("1.2.3", "ab")])},
    "device": {"device_uid": device_uid([LESIONS])},
    "results version": {"results_version": "99"},
    "runtime": {"runtime": "cuda/float16/torch"},
    "settings": {"config_hash": "e" * 64},
    "route": {"route": "chest-ct"},
    "identity revision": {"identity_revision": 1},
    "run": {"run": 2},
}
MODEL_CHANGES = {"name": "other", "version": "1.1", "digest": "f" * 64}


@pytest.fixture
def case() -> CaseIdentity:
    return identity()


def test_equal_input_gives_equal_uids_and_workflow(case: CaseIdentity) -> None:
    again = identity()
    assert (again.uid("SEG"), again.workflow_id) == (case.uid("SEG"), case.workflow_id)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_gives_other_uids_and_another_workflow(case: CaseIdentity, change: dict[str, object]) -> None:
    other = replace(case, **change)
    assert other.uid("SEG") != case.uid("SEG")
    assert other.workflow_id != case.workflow_id


def test_every_field_but_the_form_of_uids_is_covered_by_a_change() -> None:
    fields = set(CaseIdentity.__dataclass_fields__) - {"scheme"}
    assert {name for change in CHANGES.values() for name in change} == fields


def test_kinds_and_variants_have_their_own_uids(case: CaseIdentity) -> None:
    uids = [
        case.uid("SEG"),
        case.uid("SR"),
        case.uid("NOTICE"),
        case.uid("NOTICE", "GEO-GAP"),
        case.uid("NOTICE", "GEO-FEW"),
    ]
    assert len(set(uids)) == 5


def test_uids_are_valid_and_short(case: CaseIdentity) -> None:
    uid = case.uid("SEG")
    assert re.fullmatch(r"2\.25\.[1-9][0-9]{1,38}", uid)
    assert len(uid) <= 44


def test_series_in_another_order_are_the_same_input(case: CaseIdentity) -> None:
    one, other = (replace(case, source_series_uids=order) for order in (("1.2", "1.3"), ("1.3", "1.2")))
    assert one.workflow_id == other.workflow_id


def test_the_digest_of_instances_does_not_depend_on_their_order() -> None:
    pairs = [("1.2.3", "ab"), ("1.2.4", "cd")]
    assert digest_of_instances(pairs) == digest_of_instances(reversed(pairs))
    assert digest_of_instances(pairs) != digest_of_instances([("1.2.3", "cd"), ("1.2.4", "ab")])


@pytest.mark.parametrize("field", MODEL_CHANGES, ids=MODEL_CHANGES.keys())
def test_retraining_or_a_new_version_is_another_device(field: str) -> None:
    changed: ModelIdentity = replace(LUNGS, **{field: MODEL_CHANGES[field]})
    assert device_uid([changed]) != device_uid([LUNGS])


def test_other_software_is_another_device_but_the_order_of_models_is_not() -> None:
    assert device_uid([LUNGS], software="9.9") != device_uid([LUNGS])
    assert device_uid([LUNGS, LESIONS]) == device_uid([LESIONS, LUNGS])


def test_tracking_does_not_depend_on_the_run(case: CaseIdentity) -> None:
    later = replace(case, run=3, device_uid="2.25.7", config_hash="0" * 64)
    assert later.tracking_uid("1.2.3", "Right lung") == case.tracking_uid("1.2.3", "Right lung")
    assert case.tracking_uid("1.2.3", "Left lung") != case.tracking_uid("1.2.3", "Right lung")


def test_a_registered_root_is_extended_by_ninety_six_bits(case: CaseIdentity) -> None:
    uid = replace(case, scheme=UidScheme(root="1.2.826.0.1.3680043.10.999")).uid("SEG")
    tail = uid.removeprefix("1.2.826.0.1.3680043.10.999.")
    assert int(tail) < 2**96
    assert str(int(tail)) == tail
    assert len(uid) <= 64


def test_a_root_that_is_too_long_is_a_setting_to_change(case: CaseIdentity) -> None:
    with pytest.raises(Misconfigured, match="too long"):
        replace(case, scheme=UidScheme(root="1." + "2" * 45)).uid("SEG")


def test_another_namespace_gives_other_uids_of_the_same_workflow(case: CaseIdentity) -> None:
    copy = replace(case, scheme=UidScheme(namespace="12345678-1234-5678-1234-567812345678"))
    assert copy.uid("SEG") != case.uid("SEG")
    assert copy.tracking_uid("1.2.3", "x") != case.tracking_uid("1.2.3", "x")
    assert copy.workflow_id == case.workflow_id


def test_a_namespace_that_is_no_uuid_is_a_setting_to_change(case: CaseIdentity) -> None:
    with pytest.raises(Misconfigured, match="not a UUID"):
        replace(case, scheme=UidScheme(namespace="mine")).uid("SEG")
