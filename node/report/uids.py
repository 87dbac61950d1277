"""Deterministic UIDs: the same input, model and settings give the same UIDs, any change gives others.

A UID is `2.25.` and the decimal of a name-based UUID (version 5, RFC 4122; PS3.5 annex B.2). The name is the
canonical JSON of what identifies the case and the kind of object. With a registered root the UID is the root and the
first 96 bits of the name's SHA-256 instead. The name holds no patient's name, number or date.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256

from node import __version__
from node.errors import Misconfigured
from node.measure.lesions.before import FirstSeen
from node.segment.contract import ModelIdentity

# SOP classes that are written (PS3.4 B.5), and the one that stands in for a slice
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"  # retired, but what RT Referenced Study names
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"

RESULTS_VERSION = "10"  # raise it when any number or object can change

_NAMESPACE = uuid.UUID("b4a0f7d2-6f1e-4d0b-9a53-2c7e8d1f4e66")
_MAXIMUM_LENGTH = 64


@dataclass(frozen=True, slots=True)
class UidScheme:
    """How names become UIDs: under which registered root, in which namespace (None: the defaults)."""

    root: str | None = None
    namespace: str | None = None

    def uid(self, name: str) -> str:
        """Return the UID of a name.

        Raises
        ------
        Misconfigured
            CFG-VALUE where the root is so long that the UID would exceed 64 characters, or the namespace is no UUID.
        """
        if self.root is None:
            return f"2.25.{uuid.uuid5(self._namespace(), name).int}"
        digest = sha256(self._namespace().bytes + name.encode()).digest()
        uid = f"{self.root}.{int.from_bytes(digest[:12], 'big')}"
        if len(uid) > _MAXIMUM_LENGTH:
            raise Misconfigured("CFG-VALUE", f"objects.uid_root {self.root!r} is too long: {uid} exceeds 64 characters")
        return uid

    def _namespace(self) -> uuid.UUID:
        if self.namespace is None:
            return _NAMESPACE
        try:
            return uuid.UUID(self.namespace)
        except ValueError as error:
            raise Misconfigured("CFG-VALUE", f"objects.uid_namespace {self.namespace!r} is not a UUID") from error


@dataclass(frozen=True, slots=True)
class CaseIdentity:
    """What makes two runs the same run (standards 1.3). The hash of it is the workflow's id.

    `instances_digest` is that of `digest_of_instances`; `runtime` names device kind, precision and inference library.
    `scheme` decides how UIDs look and is not part of the name: the settings' hash already holds it.
    """

    study_uid: str
    source_series_uids: tuple[str, ...]
    instances_digest: str
    device_uid: str
    runtime: str
    config_hash: str
    route: str = ""
    results_version: str = RESULTS_VERSION
    identity_revision: int = 0
    run: int = 1
    scheme: UidScheme = UidScheme()

    @property
    def workflow_id(self) -> str:
        """SHA-256 over all fields but the scheme, hexadecimal."""
        return sha256(_canonical(self._name()).encode()).hexdigest()

    def uid(self, kind: str, *extra: str) -> str:
        """Return the UID of one thing that this run makes: `kind`, and `extra` where there are several."""
        return self.scheme.uid(_canonical({**self._name(), "kind": kind, "extra": list(extra)}))

    def tracking_uid(self, series_uid: str, key: str, first_seen: FirstSeen | None = None) -> str:
        """Return the UID under which a region is tracked; it depends on the region, not on the run.

        A lesion that was first seen in another series keeps the UID that it had there.
        """
        study_uid = self.study_uid if first_seen is None else first_seen.study_uid
        series_uid = series_uid if first_seen is None else first_seen.series_uid
        name = {"kind": "track", "study_uid": study_uid, "series_uid": series_uid, "lesion_key": key}
        return self.scheme.uid(_canonical(name))

    def _name(self) -> dict[str, object]:
        fields = asdict(self)
        del fields["scheme"]
        fields["source_series_uids"] = sorted(self.source_series_uids)
        return fields


def digest_of_instances(digests: Iterable[tuple[str, str]]) -> str:
    """Return one SHA-256 over the sorted (SOP Instance UID, digest of pixels and geometry) pairs."""
    return sha256(_canonical(sorted(list(pair) for pair in digests)).encode()).hexdigest()


def device_uid(models: Iterable[ModelIdentity], scheme: UidScheme | None = None, software: str = __version__) -> str:
    """Return the Device UID: it names algorithms, weights and software version, not an installation."""
    parts = sorted([m.task.value, m.name, m.version, m.digest] for m in models)
    name = {"kind": "device", "models": parts, "software": software, "results_version": RESULTS_VERSION}
    return (scheme or UidScheme()).uid(_canonical(name))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
