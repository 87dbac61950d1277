"""What was left in the settings as the commented configuration has it is told, and stops nothing."""

from pathlib import Path

import pytest
import structlog

from node.engine.configuration import check_configuration
from node.engine.placeholders import placeholders
from node.settings import Archive, Destination, Engine, Peer, Receive, Settings, Watch, load

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "lungnode.toml"


def test_the_commented_configuration_has_three() -> None:
    found = placeholders(load(TEMPLATE, environ={}))
    assert [one.setting for one in found] == [
        "hosts of peer 'PACS'",
        "password of archive 'orthanc'",
        "password of destination 'orthanc'",
    ]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("192.0.2.10", True),
        ("192.0.2.0/24", True),
        ("198.51.100.0/30", True),
        ("203.0.113.255", True),
        ("2001:db8::1", True),
        ("192.0.3.10", False),
        ("192.0.2.0/23", False),
        ("0.0.0.0/0", False),
        ("::/0", False),
        ("10.0.0.7", False),
    ],
)
def test_an_address_of_documentation_is_one_and_a_network_that_only_holds_them_is_none(
    address: str, told: bool
) -> None:
    settings = Settings(receive=Receive(peers=(Peer(ae_title="PACS", hosts=(address,)),)))
    assert bool(placeholders(settings)) is told


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        (Settings(receive=Receive(host="192.0.2.1")), "receive.host"),
        (Settings(watch=Watch(host="192.0.2.1")), "watch.host"),
        (
            Settings(receive=Receive(peers=(Peer(ae_title="CT", commitment_host="192.0.2.1"),))),
            "commitment_host of peer 'CT'",
        ),
        (Settings(archives=(Archive(dicomweb_url="http://192.0.2.1/web"),)), "dicomweb_url of archive 'archive'"),
        (Settings(archives=(Archive(dimse_host="192.0.2.1"),)), "dimse_host of archive 'archive'"),
        (Settings(archives=(Archive(move_host="192.0.2.1"),)), "move_host of archive 'archive'"),
        (Settings(archives=(Archive(token="CHANGE-ME"),)), "token of archive 'archive'"),
        (
            Settings(destinations=(Destination(name="a", kind="stow", url="https://[2001:db8::1]:8042/"),)),
            "url of destination 'a'",
        ),
        (
            Settings(destinations=(Destination(name="a", kind="cstore", ae_title="A", host="192.0.2.1", port=104),)),
            "host of destination 'a'",
        ),
        (Settings(engine=Engine(database_url="postgresql+psycopg://a:CHANGE-ME@db/a")), "engine.database_url"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_each_setting_that_may_hold_one_is_looked_at(settings: Settings, setting: str) -> None:
    (found,) = placeholders(settings)
    assert found.setting == setting
    assert setting in found.next_step


def test_the_start_says_so_and_goes_on(tmp_path: Path) -> None:
    settings = load(TEMPLATE, environ={}).model_copy(update={"data_dir": tmp_path})
    with structlog.testing.capture_logs() as said:
        check_configuration(settings)
    lines = [line for line in said if line["event"] == "settings.placeholder"]
    assert [line["setting"] for line in lines] == [one.setting for one in placeholders(settings)]
    assert {(line["code"], line["log_level"]) for line in lines} == {("CFG-PLACEHOLDER", "warning")}


def test_what_is_secret_is_not_told_beyond_the_placeholder() -> None:
    url = "postgresql+psycopg://lungnode:CHANGE-ME@db.example/s3cret"
    (found,) = placeholders(Settings(engine=Engine(database_url=url)))
    assert "s3cret" not in found.text + found.next_step
