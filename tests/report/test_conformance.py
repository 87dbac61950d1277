"""The conformance statement: current for the defaults, and following the configuration and the code's tables."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from node.facts.charset import character_set
from node.receive.classes import STORAGE
from node.receive.status import Status
from node.receive.syntaxes import LOSSLESS, LOSSY
from node.report.codes import PRIVATE_CODES
from node.report.conformance import conformance_statement
from node.settings import Archive, Destination, Objects, Peer, Receive, Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def default() -> str:
    return conformance_statement(Settings())


def test_the_document_is_current(default: str) -> None:
    """Rebuild it with `lungnode conformance > docs/conformance.md` where no settings file is."""
    assert (DOCS / "conformance.md").read_text(encoding="utf-8") == default


def test_every_class_syntax_status_and_private_code_is_listed(default: str) -> None:
    rows = [f"| {name} | {uid} |" for uid, name in STORAGE.items()]
    rows += [f"({uid})" for uid in LOSSLESS]
    rows += [f"| {status:04X} |" for status in Status]
    rows += [f"| {code.value} | {code.meaning} |" for code in PRIVATE_CODES]
    assert [row for row in rows if row not in default] == []


def test_lossy_syntaxes_are_listed_as_accepted_only_where_they_are(default: str) -> None:
    lossy = conformance_statement(Settings(receive=Receive(accept_lossy=True)))
    assert f"| {len(LOSSLESS) + 1} |" not in default
    assert f"| {len(LOSSLESS) + len(LOSSY)} |" in lossy


def test_it_follows_the_configuration() -> None:
    settings = Settings(
        receive=Receive(
            ae_title="CHEST", also_called=("CHEST2",), port=4242, tls_port=2762, maximum_associations=7,
            peers=(Peer(ae_title="PACS", hosts=("10.0.0.0/24",), storage_commitment=True),),
        ),
        archives=(Archive(name="vna", dicomweb_url="https://vna/dicom-web", password=SecretStr("hidden-word")),),
        destinations=(
            Destination(name="pacs", kind="cstore", ae_title="PACS", host="pacs", port=104, commitment="ask"),
        ),
        objects=Objects(manufacturer="Hospital", series_number_base=7000, uid_root="1.2.826.0.1.3680043.9.9"),
    )  # fmt: skip
    statement = conformance_statement(settings)
    for expected in (
        "`CHEST`, `CHEST2`", "port 4242", "port 2762", "| 7, of 1 process(es) together |",
        "`PACS` from 10.0.0.0/24", "(here: `PACS`)",
        "Archives: vna",
            "| pacs | cstore | SEG, PET_SEG, SR, NOTICE, SUMMARY | ask | qido |", "| Hospital |", "7000 + 10 m + 1",
        "`1.2.826.0.1.3680043.9.9` and 96 bits",
    ):  # fmt: skip
        assert expected in statement
    assert "hidden-word" not in statement


def test_every_character_set_that_is_claimed_can_be_read(default: str) -> None:
    claimed = default.partition("ISO 2022: ")[2].partition(". ")[0].replace("`", "").split(", ")
    assert len(claimed) == 33
    assert all(character_set((term,)).known for term in claimed)
