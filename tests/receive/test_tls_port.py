"""The TLS port: certificates on both sides, 1.2 or newer, and a certificate that is replaced while we run."""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pynetdicom import AE

from node.errors import Misconfigured
from node.receive.tls import Certificates, server_context
from tests.receive.conftest import Running


def associate(receiver: Running, context: ssl.SSLContext) -> bool:
    """Echo over TLS and tell whether it worked."""
    ae = AE(ae_title="TESTER")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate("127.0.0.1", receiver.tls_port, ae_title="LUNGNODE", tls_args=(context, "localhost"))
    if not association.is_established:
        return False
    echoed = association.send_c_echo()
    association.release()
    return "Status" in echoed


def client(tls_files: dict[str, object], name: str = "client") -> ssl.SSLContext:
    """A peer's context."""
    context = ssl.create_default_context(cafile=str(tls_files["authority"]))
    context.load_cert_chain(str(tls_files[f"{name}_certificate"]), str(tls_files[f"{name}_key"]))
    return context


def test_a_peer_with_our_authoritys_certificate_is_served(
    start: Callable[..., Running], tls_files: dict[str, object]
) -> None:
    assert associate(start(tls_port=0, **tls_files["server"]), client(tls_files))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_peer_with_a_strangers_certificate_is_refused_with_one_line(
    start: Callable[..., Running], tls_files: dict[str, object]
) -> None:
    receiver = start(tls_port=0, **tls_files["server"])
    assert not associate(receiver, client(tls_files, "intruder"))
    assert len(receiver.log("receive.tls_refused")) == 1


def test_tls_1_1_is_not_spoken(tls_files: dict[str, object]) -> None:
    files = tls_files["server"]
    context = server_context(Path(files["tls_certificate"]), Path(files["tls_key"]), Path(files["tls_ca"]))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert {c["name"] for c in context.get_ciphers() if "GCM" not in c["name"] and "CHACHA" not in c["name"]} == set()


def test_a_tls_port_without_its_files_is_a_misconfiguration() -> None:
    with pytest.raises(Misconfigured) as caught:
        server_context(None, None, None)
    assert caught.value.code == "CFG-TLS"


def test_a_replaced_certificate_is_used_and_a_broken_one_is_not(tls_files: dict[str, object], tmp_path: Path) -> None:
    paths = [
        Path(shutil.copy(tls_files["server"][name], tmp_path / name))
        for name in ("tls_certificate", "tls_key", "tls_ca")
    ]
    certificates = Certificates(*paths)
    first = certificates.context()
    paths[0].write_text("broken")
    assert certificates.context() is first
    shutil.copy(tls_files["client_certificate"], paths[0])
    shutil.copy(tls_files["client_key"], paths[1])
    assert certificates.context() is not first
