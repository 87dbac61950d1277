"""From settings to endpoints."""

import pytest
from pydantic import SecretStr

from node.archive.endpoint import DimseEndpoint, WebEndpoint, endpoint_of_archive, endpoint_of_destination, web_endpoint
from node.archive.web_session import web_session
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


CERTIFICATES = {"tls_ca": "/ca.pem", "tls_certificate": "/node.pem", "tls_key": "/node.key"}


def test_a_destinations_session_has_its_login_and_certificates_and_no_proxies():
    stow = Destination.model_validate(STOW | CERTIFICATES)
    with web_session(web_endpoint(stow, stow.url)) as session:
        assert (session.auth, session.verify, session.cert) == (("u", "p"), "/ca.pem", ("/node.pem", "/node.key"))
        assert not session.trust_env


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
