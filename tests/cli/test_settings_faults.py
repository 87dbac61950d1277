"""A typing error in the settings is told with its line and with what was perhaps meant."""

from pathlib import Path

import pytest

from node.errors import Misconfigured
from node.settings import load

FILE = """\
data_dir = "/tmp"

[receive]
prot = 104
maximum_associations = 1000
peers = [
    { ae_title = "A", hots = ["10.0.0.1"] },
]

[recieve]
host = "::"

[disk]
port = 104

[[destinations]]
name = "a"
kind = "stow"

[[destinations]]
name = "b"
kind = "cstor"
pasword = "s3cret"

[[archives]]
timeout_s = -1
password = 5
"""


UNUSABLE = """\
[watch]
port = 11112

[disk]
soft_free_gib = 1
hard_free_gib = 5

[[archives]]
dicomweb_url = "pacs:8042/dicom-web"

[[destinations]]
name = "a"
kind = "stow"
url = "https:///dicom-web"

[[destinations]]
name = "b"
kind = "folder"
path = "/tmp"
objects = []

[completeness]
at_maximum = "process"
quiet_s = 3600
"""


def faults(tmp_path: Path, text: str, **variables: str) -> list[str]:
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as refused:
        load(file, environ=variables)
    assert refused.value.code == "CFG-VALUE"
    return [line.strip().replace(f"{file}:", "") for line in refused.value.message.splitlines()[1:]]


@pytest.mark.parametrize(
    "expected",
    [
        "4: receive.prot: there is no such setting, did you mean 'port'?",
        "5: receive.maximum_associations: Input should be less than or equal to 500, not 1000",
        "6: receive.peers.0.hots: there is no such setting, did you mean 'hosts'?",
        "10: recieve: there is no such setting, did you mean 'receive'?",
        "14: disk.port: there is no such setting here; it belongs to receive or destinations or watch",
        "16: destinations.0: destination 'a' of kind 'stow' needs url",
        "22: destinations.1.kind: Input should be 'stow', 'cstore', 'orthanc' or 'folder', not 'cstor'; "
        "did you mean 'cstore'?",
        "23: destinations.1.pasword: there is no such setting, did you mean 'password'?",
        "26: archives.0.timeout_s: Input should be greater than 0, not -1",
    ],
)
def test_a_fault_is_told_with_its_line_and_a_suggestion(tmp_path: Path, expected: str) -> None:
    assert expected in faults(tmp_path, FILE)


def test_the_faults_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [int(fault.split(":")[0]) for fault in faults(tmp_path, FILE)]
    assert lines == sorted(lines)
    assert len(lines) == 10


def test_what_was_written_as_a_secret_is_not_repeated(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "[engine]\ndatabase_url = 12345\n[[archives]]\npassword = 98765\n")[1:]
    assert fault.startswith("4: archives.0.password: ")
    assert "98765" not in fault


def test_a_fault_that_came_by_a_variable_names_the_variable(tmp_path: Path) -> None:
    found = faults(tmp_path, "[watch]\nport = 8080\n", LUNGNODE_WATCH__PORT="808080", LUNGNODE_RECEIVE__HOSST="h")
    assert found == [
        "LUNGNODE_RECEIVE__HOSST: receive.hosst: there is no such setting, did you mean 'host'?",
        "LUNGNODE_WATCH__PORT: watch.port: Input should be less than or equal to 65535, not 808080",
    ]


def test_a_variable_cannot_write_into_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[[destinations]]\nname = "a"\nkind = "folder"\npath = "/tmp"\n')
    with pytest.raises(Misconfigured) as refused:
        load(tmp_path / "site.toml", environ={"LUNGNODE_DESTINATIONS__NAME": "b"})
    assert refused.value.code == "CFG-ENV"


@pytest.mark.parametrize(
    "expected",
    [
        "4: disk: hard_free_gib is above soft_free_gib: nothing would be received while work still begins",
        "9: archives.0.dicomweb_url: an address begins with http:// or https:// and a host, not 'pacs:8042/dicom-web'",
        "14: destinations.0.url: an address begins with http:// or https:// and a host, not 'https:///dicom-web'",
        "16: destinations.1: destination 'b' would get nothing: its objects are empty",
        "22: completeness: quiet_s (3600 s) is above maximum_wait_s (1800 s): the maximum would never be reached "
        "first; set maximum_wait_s to 3600 or more, or quiet_s to 1800 or less",
    ],
)
def test_what_is_well_formed_and_can_never_work_is_told_with_its_line(tmp_path: Path, expected: str) -> None:
    assert expected in faults(tmp_path, UNUSABLE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[watch]\nport = 11112\n", "receive.port, receive.tls_port and watch.port must differ"),
        (
            "[disk]\nretention_days = 0\n",
            "disk.retention_days (0, or 0 s) is not above completeness.maximum_wait_s and partner_wait_s together "
            "(2400 s): what is still waited for would be removed; set retention_days to 0.03 or more",
        ),
        ("[[archives]]\n[[archives]]\n", "two archives share a name: ['archive', 'archive']"),
    ],
)
def test_what_contradicts_across_sections_is_told(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in fault for fault in faults(tmp_path, text))


def test_what_is_about_the_file_as_a_whole_names_no_line(tmp_path: Path) -> None:
    told = faults(tmp_path, "[watch]\nport = 11112\n")
    assert told == [" receive.port, receive.tls_port and watch.port must differ"]  # after the file's name


def test_a_quiet_time_as_long_as_the_maximum_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[completeness]\nquiet_s = 30\nmaximum_wait_s = 30\n")
    assert load(tmp_path / "site.toml", environ={}).completeness.quiet_s == 30
