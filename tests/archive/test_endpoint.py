"""From settings to endpoints."""

import pytest
from pydantic import SecretStr

from node.archive.endpoint import DimseEndpoint, WebEndpoint, endpoint_of_archive, endpoint_of_destination, web_endpoint
from node.archive.web_session import web_session
from node.errors import Misconfigured
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


@pytest.fixture
def certificates(tmp_path) -> dict[str, str]:
    files = {name: tmp_path / f"{name}.pem" for name in ("tls_ca", "tls_certificate", "tls_key")}
    for path in files.values():
        path.write_text("")
    return {name: str(path) for name, path in files.items()}


@pytest.mark.parametrize("kind", [Destination, Archive])
def test_a_session_has_login_and_certificates_of_destination_or_archive_and_no_proxies(certificates, kind):
    site = kind.model_validate((STOW if kind is Destination else ARCHIVE) | certificates)
    with web_session(web_endpoint(site, "https://h/d")) as session:
        assert (session.auth, session.verify) == (("u", "p"), certificates["tls_ca"])
        assert session.cert == (certificates["tls_certificate"], certificates["tls_key"])
        assert not session.trust_env


@pytest.mark.parametrize("name", ["tls_ca", "tls_certificate", "tls_key"])
def test_a_certificate_file_that_is_missing_is_named_before_anything_is_asked(certificates, name):
    archive = Archive.model_validate(ARCHIVE | certificates | {name: "/nowhere/x.pem"})
    with pytest.raises(Misconfigured) as caught, web_session(web_endpoint(archive, "https://h/d")):
        pass
    assert caught.value.code == "TLS-FILES"
    assert "/nowhere/x.pem" in caught.value.message


CSTORE = {"name": "a", "kind": "cstore", "ae_title": "PACS", "host": "h", "port": 104, "timeout_s": 10.0}
ARCHIVE = {"dicomweb_url": "https://h/d", "username": "u", "password": "p"}
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
