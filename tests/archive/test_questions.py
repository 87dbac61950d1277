"""The four questions, put to a real Orthanc by QIDO-RS and by C-FIND."""

import pytest

from node.archive.answers import StudyIdentity
from node.archive.questions import count_series, count_study, held, identities_of_study

pytestmark = pytest.mark.orthanc
NOT_THERE = "1.2.3.4.5"


@pytest.fixture(params=["web", "dimse"])
def endpoint(request, holding):
    """Each question is asked in both ways."""
    return getattr(holding, request.param)


def test_a_series_and_a_study_are_counted(endpoint, holding):
    assert count_series(endpoint, holding.study_uid, holding.series_uid) == 30
    assert count_study(endpoint, holding.study_uid) == 30


def test_what_the_archive_does_not_know_has_no_count(endpoint, holding):
    assert count_series(endpoint, holding.study_uid, NOT_THERE) is None
    assert count_study(endpoint, NOT_THERE) is None


def test_a_study_has_the_identity_under_which_it_is_stored(endpoint, holding):
    (identity,) = identities_of_study(endpoint, holding.study_uid)

    assert isinstance(identity, StudyIdentity)
    assert identity.patient_id == "Lung_Dx-A0002"
    assert not identity.issuer_of_patient_id


def test_an_unknown_study_has_no_identity(endpoint):
    assert identities_of_study(endpoint, NOT_THERE) == ()


def test_each_object_is_asked_for_by_itself(endpoint, holding):
    asked = (*holding.sop_uids[:2], NOT_THERE)

    assert held(endpoint, holding.study_uid, holding.series_uid, asked) == set(holding.sop_uids[:2])


def test_an_object_of_another_series_is_not_held_in_this_one(endpoint, holding):
    assert held(endpoint, holding.study_uid, NOT_THERE, holding.sop_uids[:1]) == frozenset()
