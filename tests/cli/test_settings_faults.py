"""A typing error in the settings is told with its line and with what was perhaps meant."""

from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from node.errors import Misconfigured
from node.settings import Settings, load

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


def test_a_wrong_number_of_brackets_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, '[[receive]]\nport = 1\n[destinations]\nname = "a"\n') == [
        "1: receive: there is only one: write [receive], with one bracket on either side",
        "3: destinations: there may be several: write [[destinations]], with two brackets on either side, above each",
    ]


def test_a_mark_of_byte_order_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xef\xbb\xbf[watch]\nport = 8081\n")
    assert load(tmp_path / "site.toml", environ={}).watch.port == 8081


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


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ('[objects]\nuid_root = "1.2.abc"', "a root of UIDs is numbers"),
        ('[objects]\nuid_root = "1.2.03"', "a root of UIDs is numbers"),
        ('[objects]\nuid_root = "3.2"', "a root of UIDs is numbers"),
        ('[objects]\nuid_root = "1.2."', "a root of UIDs is numbers"),
        (f'[objects]\nuid_root = "1.2{".333333333" * 4}"', "at most 34 characters"),
        ('[[destinations]]\nname = "a"\nkind = "cstore"\nae_title = "A"\nhost = "h"\nport = 0', "than or equal to 1"),
        ("[[archives]]\ndimse_port = 0", "than or equal to 1"),
        ('[[destinations]]\nname = "a"\nkind = "folder"\npath = "results"', "'a' is relative"),
        (
            '[[destinations]]\nname = "a"\nkind = "folder"\npath = "/r"\nfirst_retry_s = 60\nlongest_retry_s = 30',
            "first_retry_s (60 s) is above longest_retry_s (30 s)",
        ),
        ('[[receive.peers]]\nae_title = "   "', "at least 1 character"),
    ],
)
def test_what_could_never_be_meant_is_refused(tmp_path: Path, section: str, expected: str) -> None:
    (fault,) = faults(tmp_path, section)
    assert expected in fault


def test_the_longest_root_of_uids_leaves_room_for_every_uid(tmp_path: Path) -> None:
    root = "1.2" + ".333333333" * 3 + "3"
    (tmp_path / "site.toml").write_text(f'[objects]\nuid_root = "{root}"\n')
    assert load(tmp_path / "site.toml", environ={}).objects.uid_root == root
    assert len(f"{root}.{2**96 - 1}") == 64


def test_spaces_around_an_ae_title_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[receive]\npeers = [{ae_title = "PACS "}, {ae_title = " A B"}]\n')
    assert [p.ae_title for p in load(tmp_path / "site.toml", environ={}).receive.peers] == ["PACS", "A B"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LUNGNODE_RECEIVE_PORT", "did you mean LUNGNODE_RECEIVE__PORT?"),
        ("LUNGNODE_COMPUTE_DEVICE", "did you mean LUNGNODE_COMPUTE__DEVICE?"),
        ("LUNGNODE_CONFG", "did you mean LUNGNODE_CONFIG?"),
        ("LUNGNODE_QQQQQQ", "with two underscores"),
    ],
)
def test_a_variable_that_nothing_reads_is_refused(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / "site.toml").write_text("")
    with pytest.raises(Misconfigured) as refused:
        load(tmp_path / "site.toml", environ={name: "104", "PATH": "/bin"})
    assert refused.value.code == "CFG-ENV"
    assert f"{name}: " in refused.value.message
    assert hint in refused.value.message


def test_variables_that_the_program_or_the_file_reads_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[[archives]]\ndicomweb_url = "http://h"\npassword = "${LUNGNODE_PACS_LOGIN}"\n')
    environ = {"LUNGNODE_PACS_LOGIN": "s", "LUNGNODE_SUPERVISED": "1", "LUNGNODE_MODELS_DIR": "/m"}
    assert load(file, environ=environ).models_dir == Path("/m")


@pytest.mark.parametrize(("given", "kept"), [("12", "12"), ("true", "true"), ('"12"', "12"), ("Site A", "Site A")])
def test_a_variable_for_a_text_stays_text(tmp_path: Path, given: str, kept: str) -> None:
    (tmp_path / "site.toml").write_text("")
    environ = {
        "LUNGNODE_OBJECTS__DEVICE_SERIAL_NUMBER": given,
        "LUNGNODE_RECEIVE__AE_TITLE": "1234",
        "LUNGNODE_OBJECTS__UID_ROOT": "1.2",
        "LUNGNODE_RECEIVE__ALSO_CALLED": '["X"]',
        "LUNGNODE_WATCH__PORT": "8081",
    }
    settings = load(tmp_path / "site.toml", environ=environ)
    assert (settings.objects.device_serial_number, settings.receive.ae_title) == (kept, "1234")
    assert (settings.objects.uid_root, settings.receive.also_called, settings.watch.port) == ("1.2", ("X",), 8081)


_STOW = '[[destinations]]\nname = "a"\nkind = "stow"\nurl = "http://h/d"\n'


def numbers() -> list[tuple[str, str]]:
    """Return the beginning of a file and the key, for each setting that is a number."""
    found = []
    for section, field in Settings.model_fields.items():
        many = get_origin(field.annotation) is tuple
        table = get_args(field.annotation)[0] if many else field.annotation
        if isinstance(table, type) and issubclass(table, BaseModel):
            before = _STOW if section == "destinations" else f"[[{section}]]\n" if many else f"[{section}]\n"
            kinds = {key: {inner.annotation, *get_args(inner.annotation)} for key, inner in table.model_fields.items()}
            found += [(before, key) for key, kind in kinds.items() if kind & {int, float}]
    return found


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ('[objects]\nmanufacturer = ""', "2: objects.manufacturer: it stands in every object as LO: write 1 to 64"),
        (
            '[objects]\nmanufacturer = "a\\\\b"',
            "2: objects.manufacturer: it stands in every object as LO: write no back",
        ),
        (f'[objects]\ndevice_serial_number = "{"1" * 65}"', "2: objects.device_serial_number: it stands in every obj"),
        (
            f'[objects]\nstation_name = "{"x" * 17}"',
            "2: objects.station_name: it stands in every object as SH: write 1",
        ),
        (
            '[objects]\nstation_name = "a\\u0001"',
            "objects.station_name: it stands in every object as SH: write no back",
        ),
        ('[objects]\nuid_namespace = "abc"', "2: objects.uid_namespace: write a UUID of your own"),
        ('[engine]\nslot = "../x"', "2: engine.slot: write 1 to 64 letters"),
        ('[engine]\nslot = ""', "2: engine.slot: write 1 to 64 letters"),
        ('[engine]\nslot = "intake"', "2: engine.slot: the node itself has a lock of this name"),
        ("[watch]\nport = true", "2: watch.port: write a number: true would count as 1"),
        ('[[receive.peers]]\nae_title = "A"\nhosts = []', "3: receive.peers.0.hosts: nobody could call"),
        ('[[archives]]\ndicomweb_url = "http://h:99999/x"', "2: archives.0.dicomweb_url: this is no address"),
        ('[[archives]]\ndicomweb_url = "http://h h/x"', "2: archives.0.dicomweb_url: an address has no space"),
        ('[[archives]]\ndicomweb_url = "http://h/x?y=1"', "2: archives.0.dicomweb_url: an address has no space"),
        ('[[archives]]\nusername = "u"', "1: archives.0: archive 'archive': the username has no password"),
        ('[[archives]]\ntls_certificate = "/c"', "tls_certificate and tls_key belong together"),
        ('[[archives]]\nmove_ae_title = "M"', "move_ae_title and move_port belong together"),
        ('[[archives]]\nmove_ae_title = "M"\nmove_port = 11112', "move_port 11112 is a port of ours already"),
        (f'{_STOW}username = "u"', "1: destinations.0: destination 'a': the username has no password"),
        (f'{_STOW}commitment = "ask"', 'commitment = "ask" is for the kind "cstore" alone'),
        (
            '[[destinations]]\nname = "a"\nkind = "folder"\npath = "/var/lib/lungnode/spool"',
            "its path lies in data_dir",
        ),
    ],
)
def test_what_would_break_every_case_or_object_is_refused_before_the_first(
    tmp_path: Path, section: str, expected: str
) -> None:
    (fault,) = faults(tmp_path, section)
    assert expected in fault


@pytest.mark.parametrize("number", ["inf", "nan", "1e300"])
@pytest.mark.parametrize(("before", "key"), numbers(), ids=lambda part: part.split("]")[0].strip("["))
def test_a_number_that_nobody_can_mean_is_refused_by_its_name(
    tmp_path: Path, before: str, key: str, number: str
) -> None:
    (fault,) = faults(tmp_path, f"{before}{key} = {number}\n")

    assert f".{key}: " in fault
    assert f", not {number.replace('1e300', '1e+300')}" in fault


def test_instead_of_infinity_the_greatest_number_is_named(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, f"{_STOW}timeout_s = inf\n")

    assert fault == "5: destinations.0.timeout_s: Input should be a finite number and at most 86400, not inf"


def test_a_destination_is_not_called_what_replays_to_another_are_called(tmp_path: Path) -> None:
    kind = 'kind = "folder"\npath = "/srv"\nconfirm = "none"\n'
    both = "".join(f'[[destinations]]\nname = "{name}"\n{kind}' for name in ("pacs", "pacs-r2"))
    (fault,) = faults(tmp_path, both)
    assert "'pacs-r2' is what replays to 'pacs' are called: give it another name" in fault
    (tmp_path / "site.toml").write_text(both.replace('"pacs"', '"web"'))
    assert len(load(tmp_path / "site.toml", environ={}).destinations) == 2
