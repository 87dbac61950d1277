"""The list of sharp kernels, vendor by vendor, at both sides of each limit."""

import pytest

from node.volume.kernels import Sharpness, judge_kernel

SOFT, SHARP, UNKNOWN = Sharpness.SOFT, Sharpness.SHARP, Sharpness.UNKNOWN


@pytest.mark.parametrize(
    ("vendor", "kernel", "expected"),
    [
        ("SIEMENS", ("B59f",), SOFT), ("SIEMENS", ("B60f",), SHARP), ("Siemens Healthineers", ("Br40d", "3"), SOFT),
        ("SIEMENS", ("Bl63d", "3"), SOFT), ("SIEMENS", ("Bl64d", "3"), SHARP), ("SIEMENS", ("I50f",), UNKNOWN),
        ("GE MEDICAL SYSTEMS", ("STANDARD",), SOFT), ("GE MEDICAL SYSTEMS", ("LUNG",), SHARP),
        ("GE MEDICAL SYSTEMS", ("BONEPLUS",), SHARP), ("GE MEDICAL SYSTEMS", ("Soft",), SOFT),
        ("Philips", ("B",), SOFT), ("Philips", ("YC",), SHARP), ("Philips", ("L",), SHARP),
        ("Philips", ("Q",), UNKNOWN),
        ("TOSHIBA", ("FC49",), SOFT), ("TOSHIBA", ("FC50",), SHARP), ("TOSHIBA", ("FC59",), SHARP),
        ("Canon Medical Systems", ("FC60",), SOFT), ("Canon Medical Systems", ("FC80",), SHARP),
        ("TOSHIBA", ("FC87",), SOFT),
        ("", ("B70f",), SHARP), ("", ("LUNG",), SHARP), ("", ("L",), UNKNOWN), ("", (), UNKNOWN),
        ("GE", ("",), UNKNOWN),
    ],
)  # fmt: skip
def test_a_kernel_is_judged_by_its_vendors_list(vendor: str, kernel: tuple[str, ...], expected: Sharpness) -> None:
    assert judge_kernel(kernel, vendor) is expected
