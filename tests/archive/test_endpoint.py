"""From settings to endpoints."""

import pytest
from pydantic import SecretStr

from node.archive.endpoint import DimseEndpoint, WebEndpoint, endpoint_of_archive, endpoint_of_destination
from node.settings import Archive, Destination

DIMSE = {"dimse_ae_title": "PACS", "dimse_host": "h", "dimse_port": 104}
PACS = DimseEndpoint("PACS", "h", 104, "ME", 10.0)
WEB = WebEndpoint("http://h/d", 10.0, username="u", password=SecretStr("p"))


@pytest.mark.parametrize(
    ("archive", "endpoint"),
    [
        ({"dicomweb_url": "http://h/d", "username": "u", "password": "p", **DIMSE}, WEB),
        (DIMSE, PACS),
        ({"dimse_ae_title": "PACS"}, None),
    ],
    ids=["dicomweb first", "dimse", "neither"],
)
def test_an_archive_is_asked_by_dicomweb_where_it_has_it(archive, endpoint):
    assert endpoint_of_archive(Archive(**archive), "ME") == endpoint


CSTORE = {"name": "a", "kind": "cstore", "ae_title": "PACS", "host": "h", "port": 104, "timeout_s": 10.0}
STOW = {"name": "a", "kind": "stow", "url": "http://h/d", "username": "u", "password": "p", "timeout_s": 10.0}


@pytest.mark.parametrize(
    ("destination", "endpoint"),
    [
        (STOW, WEB),
        (STOW | {"confirm": "none"}, None),
        (CSTORE | {"confirm": "cfind"}, PACS),
        (CSTORE, PACS),
        (CSTORE | {"confirm": "none"}, None),
        ({"name": "a", "kind": "folder", "path": "/x"}, None),
    ],
    ids=["stow", "stow, not asked", "cstore", "cstore by default", "cstore, not asked", "folder"],
)
def test_a_destination_is_asked_back_as_it_says(destination, endpoint):
    assert endpoint_of_destination(Destination(**destination), "ME") == endpoint
