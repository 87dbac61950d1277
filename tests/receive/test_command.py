"""Our C-STORE command sets against pynetdicom's own decoder and encoder."""

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode

from node.receive.command import Command, encode_pdata, encode_store_response, read_command
from node.receive.status import Answer, Status
from tests.receive.conftest import CT

REQUEST = Command(1, 7, CT, "1.2.3.4", True)


def decoded(encoded: bytes) -> Dataset:
    """Decode a command set with pynetdicom."""
    return decode(BytesIO(encoded), True, True)


def test_a_request_that_pynetdicom_encodes_is_read() -> None:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT, "1.2.3.4"
    primitive.DataSet = BytesIO(b"x")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    first = next(iter(message.encode_msg(1, 16384)))
    assert read_command(first.presentation_data_value_list[0][1][1:]) == REQUEST


def test_an_answer_is_what_pynetdicom_decodes() -> None:
    ds = decoded(encode_store_response(REQUEST, Answer(Status.OUT_OF_RESOURCES, "the disk is full")))
    assert (ds.Status, ds.ErrorComment, ds.MessageIDBeingRespondedTo) == (0xA700, "the disk is full", 7)
    assert (ds.AffectedSOPClassUID, ds.AffectedSOPInstanceUID, ds.CommandField) == (CT, "1.2.3.4", 0x8001)


def test_a_success_has_no_comment() -> None:
    assert "ErrorComment" not in decoded(encode_store_response(REQUEST, Answer(Status.SUCCESS, "never sent")))


@pytest.mark.parametrize("maximum", [0, 64, 16384])
def test_an_answer_is_cut_into_the_pdus_that_the_peer_can_take(maximum: int) -> None:
    command = encode_store_response(REQUEST, Answer(Status.SUCCESS))
    stream, payload, controls = encode_pdata(3, command, maximum), b"", []
    while stream:
        length = int.from_bytes(stream[2:6], "big")
        assert not maximum or length <= maximum
        controls.append(stream[11])
        payload += stream[12 : 6 + length]
        stream = stream[6 + length :]
    assert (payload, controls) == (command, [1] * (len(controls) - 1) + [3])


@given(st.binary(max_size=120))
def test_noise_is_a_value_error_or_a_command(noise: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read_command(noise), Command)
