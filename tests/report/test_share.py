"""What each destination gets: objects are made once, a report of its own for each set of others."""

from pathlib import Path

import pytest
from pydicom import dcmread

from node.report.encode import encode_results
from node.report.encoded import EncodedObject
from node.report.share import share_of
from node.settings import Destination, Rung, with_included
from tests.report.conftest import CaseMaker
from tests.report.lesion_case import lesion_case

PLAIN = with_included((Rung.SEG, Rung.SR))
PICTURES = with_included((Rung.SR, Rung.KEY_SLICES, Rung.PDF))
SUMMARY = with_included((Rung.SEG, Rung.SR, Rung.SUMMARY))


def evidence(report: EncodedObject) -> set[str]:
    (study,) = dcmread(report.path).CurrentRequestedProcedureEvidenceSequence
    return {sop.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for sop in s.ReferencedSOPSequence}


def test_objects_are_made_once_and_each_destination_gets_exactly_its_own(maker: CaseMaker, out: Path) -> None:
    made = encode_results(lesion_case(maker), out, PLAIN, PICTURES, SUMMARY)
    kinds = [o.kind for o in made]
    assert {kind: kinds.count(kind) for kind in kinds} == {"SEG": 1, "SR": 3, "SUMMARY": 1, "SC": 3, "PDF": 1}
    assert sorted(o.kind for o in share_of(made, PLAIN)) == ["SEG", "SR"]
    assert sorted(o.kind for o in share_of(made, SUMMARY)) == ["SEG", "SR", "SUMMARY"]
    assert sorted(o.kind for o in share_of(made, PICTURES)) == ["PDF", "SC", "SC", "SC", "SR", "SUMMARY"]


def test_the_report_of_a_destination_lists_the_others_that_go_there_and_no_more(maker: CaseMaker, out: Path) -> None:
    made = encode_results(lesion_case(maker), out, PLAIN, PICTURES, SUMMARY)
    others = {o.sop_instance_uid for o in made if o.kind not in ("SEG", "SR")}
    for rungs in (PLAIN, PICTURES, SUMMARY):
        share = share_of(made, rungs)
        (report,) = [o for o in share if o.kind == "SR"]
        assert evidence(report) & others == {o.sop_instance_uid for o in share} & others
    reports = [o for o in made if o.kind == "SR"]
    assert len({o.sop_instance_uid for o in reports}) == len({o.series_instance_uid for o in reports}) == 3


def test_destinations_that_get_the_same_share_one_report(maker: CaseMaker, out: Path) -> None:
    made = encode_results(lesion_case(maker), out, SUMMARY, SUMMARY, with_included((Rung.SR, Rung.SUMMARY)))
    assert sum(o.kind == "SR" for o in made) == 1


def test_a_kind_that_was_asked_for_later_comes_with_the_report_that_fits_best(maker: CaseMaker, out: Path) -> None:
    made = encode_results(lesion_case(maker), out, PLAIN, SUMMARY)
    now = with_included((Rung.SEG, Rung.SR, Rung.SUMMARY, Rung.PDF))
    (report,) = [o for o in share_of(made, now) if o.kind == "SR"]
    assert report.gathers == ("SUMMARY",)


def test_a_report_is_never_left_out_for_what_it_gathers(maker: CaseMaker, out: Path) -> None:
    made = encode_results(lesion_case(maker), out, SUMMARY)
    assert [o.kind for o in share_of(made, PLAIN)] == ["SEG", "SR"]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({}, {"SEG", "PET_SEG", "SR", "NOTICE", "SUMMARY"}),
        ({"draws_results": True}, {"SEG", "PET_SEG", "SR", "NOTICE"}),
        ({"objects": ["SR"]}, {"SR"}),
        ({"objects": ["SC"]}, {"SC", "SUMMARY"}),
        ({"objects": ["NOTICE_SC"], "draws_results": True}, {"NOTICE_SC"}),
    ],
)
def test_a_destination_gets_the_summary_picture_unless_it_draws_results_or_asks_for_other_things(
    section: dict, expected: set[str]
) -> None:
    destination = Destination.model_validate({"name": "pacs", "kind": "folder", "path": "/tmp/x"} | section)
    assert {rung.value for rung in destination.rungs} == expected
