"""What is gathered of the source, and what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from node.errors import InputRefused, OurMistake
from node.facts.series import SeriesFacts
from node.report.deflate import deflate
from node.report.encode import ReportInput, encode_results
from node.report.source import read_source
from tests.report.conftest import LESIONS, CaseMaker, enhanced_case


def with_geometry(case: ReportInput, **changes: object) -> ReportInput:
    """Return the case with something else in the geometry of every header."""
    files = tuple(
        replace(f, facts=replace(f.facts, geometry=replace(f.facts.geometry, **changes)))
        for f in case.volume.series.files
    )
    return replace(case, volume=replace(case.volume, series=SeriesFacts(files)))


@pytest.mark.parametrize("lost", ["image_orientation", "pixel_spacing_yx_mm", "image_position_lps_mm"])
def test_a_volume_of_images_without_geometry_is_our_mistake(maker: CaseMaker, lost: str) -> None:
    case = with_geometry(maker.case(), **{lost: None})
    with pytest.raises(OurMistake) as caught:
        read_source(case.volume)
    assert caught.value.code == "SOURCE-GEOMETRY"


def test_an_image_is_named_once_however_many_frames_it_has(tmp_path: Path) -> None:
    source = read_source(enhanced_case(tmp_path / "enhanced").volume)
    assert (len(source.instances), len(source.frames), source.is_multiframe) == (1, 20, True)
    assert [p[2] for p in source.positions_lps_mm] == sorted(p[2] for p in source.positions_lps_mm)


def test_slices_that_were_left_out_are_not_named(maker: CaseMaker, out: Path) -> None:
    """A scout or a duplicate in the series is no source of the masks."""
    case = maker.case()
    shorter = replace(
        case.volume, frames=case.volume.frames[2:], hu_zyx=case.volume.hu_zyx[2:], lps_from_zyx=case.volume.lps_from_zyx
    )
    left_out = {frame.sop_instance_uid for frame in case.volume.frames[:2]}
    segmentation = replace(case.segmentation, labels_zyx=case.segmentation.labels_zyx[2:])
    for made in encode_results(replace(case, volume=shorter, segmentation=segmentation), out):
        named = {e.value for e in dcmread(made.path).iterall() if e.keyword == "ReferencedSOPInstanceUID"}
        assert len(named) >= 18
        assert not named & left_out


def test_a_header_that_is_gone_is_told(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    for file in case.volume.series.files:
        file.path.unlink()
    with pytest.raises(InputRefused, match="header"):
        encode_results(case, out)


def test_a_lung_without_a_lung_model_is_our_mistake(maker: CaseMaker, out: Path) -> None:
    with pytest.raises(OurMistake) as caught:
        encode_results(maker.case(models=(LESIONS,)), out)
    assert caught.value.code == "NO-MODEL"


def test_only_explicit_little_endian_is_deflated(maker: CaseMaker, out: Path) -> None:
    seg = encode_results(maker.case(), out)[0]
    once = deflate(seg.path, out / "once.dcm")
    with pytest.raises(OurMistake) as caught:
        deflate(once, out / "twice.dcm")
    assert caught.value.code == "NOT-EXPLICIT"
