"""Kernels by the vendors' lists."""

import pytest

from node.facts.kernel import KernelClass, kernel_class

KNOWN = [
    ("SIEMENS", ("B40f",), "soft"),
    ("SIEMENS", ("B70f",), "sharp"),
    ("Siemens Healthineers", ("Br59d",), "soft"),
    ("Siemens Healthineers", ("Br60d",), "sharp"),
    ("Siemens Healthineers", ("Br60d", "3"), "soft"),
    ("Siemens Healthineers", ("Br64d", "3"), "sharp"),
    ("SIEMENS", ("XYZ Gauss5.00",), "unknown"),
    ("GE MEDICAL SYSTEMS", ("BONEPLUS",), "sharp"),
    ("GE MEDICAL SYSTEMS", ("STANDARD",), "soft"),
    ("Philips", ("YC",), "sharp"),
    ("Philips", ("B",), "soft"),
    ("TOSHIBA", ("FC08",), "soft"),
    ("Canon Medical Systems", ("FC51",), "sharp"),
    ("Canon Medical Systems", ("FC86",), "sharp"),
    ("Canon Medical Systems", ("FC60",), "soft"),
    ("", ("B70f",), "unknown"),
    ("ADAC", (), "unknown"),
]


@pytest.mark.parametrize(("maker", "kernel", "expected"), KNOWN)
def test_kernels_are_classed_by_the_list_of_their_maker(maker, kernel, expected):
    assert kernel_class(maker, kernel) is KernelClass(expected)
