"""The notice of a refused case, as text and, where a destination asks for it, as one image."""

from collections.abc import Collection
from pathlib import Path

from node.errors import InputRefused
from node.report.encode import encode_notice, encode_notice_picture
from node.report.encoded import EncodedObject
from node.report.notice import NoticeInput, notice_allowed
from node.settings import Rung


def encode_notices(
    notice: NoticeInput, folder: Path, shares: Collection[frozenset[Rung]] = ()
) -> tuple[EncodedObject, ...]:
    """Write what says that a case was refused into `folder/objects`; nothing where nothing may be said (ID-NOUID)."""
    if not notice_allowed(notice.refusal):
        return ()
    out_dir = folder / "objects"
    out_dir.mkdir(parents=True, exist_ok=True)
    try:
        text = encode_notice(notice, out_dir)
        if any(Rung.NOTICE_PICTURE in share for share in shares):
            return text, encode_notice_picture(notice, out_dir)
    except InputRefused:
        return ()  # it would have to name an invalid UID: an object that must not be made
    return (text,)
