"""The node's settings: read once from `lungnode.toml` and `LUNGNODE_…` variables, checked, frozen.

Every other room takes the two numbers that it needs; only `cli` and the wiring of `engine` see `Settings`.
Units stand in the names. Unknown keys are refused, so that a typing error is found at start and not on Saturday.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from node.errors import Misconfigured
from node.settings_faults import faults
from node.settings_values import (
    AETitle,
    ForAnswer,
    Gib,
    LongString,
    PeerPort,
    Period,
    Port,
    ShortString,
    Slot,
    UidRoot,
    UuidText,
    Wait,
    WebAddress,
)
from node.settings_variables import filled, refuse_unknown, take_variables
from node.toml_lines import lines_of


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, about: ValidationInfo) -> Any:
        kind = cls.model_fields[str(about.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {kind, *get_args(kind)}:
            raise ValueError("write a number: true would count as 1")
        return value


class Peer(_Section):
    """Somebody who may call us: calling AE title and where from (address or network)."""

    ae_title: AETitle
    hosts: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    classes: tuple[str, ...] = ()  # SOP classes that it may store (others: 0x0124); empty: all that the node takes
    storage_commitment: bool = False  # answer this peer's storage commitment requests (standards 6.3)
    commitment_host: str | None = None  # where its own listener is; None: answered on the same association
    commitment_port: PeerPort | None = None

    @field_validator("hosts")
    @classmethod
    def _networks(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if not hosts:
            raise ValueError("nobody could call: name an address or a network, or leave hosts out for this machine")
        for host in hosts:
            ipaddress.ip_network(host, strict=False)
        return hosts


class Receive(_Section):
    """The DICOM listener."""

    ae_title: AETitle = "LUNGNODE"
    also_called: tuple[AETitle, ...] = ()  # further called AE titles, usable in routes
    host: str = "127.0.0.1"
    port: Port = 11112
    tls_port: Port | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    peers: tuple[Peer, ...] = (Peer(ae_title="ORTHANC"),)
    maximum_associations: int = Field(10, ge=1, le=500)
    processes: int = Field(1, ge=1, le=64)  # receivers sharing the port
    maximum_pdu_bytes: int = Field(131072, ge=16384, le=131072)
    acse_timeout_s: ForAnswer = 30.0
    dimse_timeout_s: ForAnswer = 60.0
    network_timeout_s: ForAnswer = 60.0
    accept_lossy: bool = False  # JPEG baseline and other lossy syntaxes (then HU-LOSSY)


class Disk(_Section):
    """Two marks on the file system of the spool, in free bytes."""

    soft_free_gib: Gib = 10.0  # below: no new work, warning
    hard_free_gib: Gib = 2.0  # below: associations refused, 0xA700
    retention_days: float = Field(3.0, ge=0, le=36_525)  # after every destination is safe

    @model_validator(mode="after")
    def _marks_in_order(self) -> "Disk":
        if self.hard_free_gib > self.soft_free_gib:
            raise ValueError("hard_free_gib is above soft_free_gib: nothing would be received while work still begins")
        return self


class Completeness(_Section):
    """When a case is taken to be complete (architecture 5)."""

    quiet_s: Period = 10.0
    quiet_after_abort_s: Period = 60.0
    maximum_wait_s: Wait = 1800.0
    partner_wait_s: Period = 600.0
    prior_wait_s: Period = 60.0  # how long a finished result waits for its comparison; 0: no comparison
    at_maximum: Literal["refuse", "process", "drop"] = "refuse"

    @model_validator(mode="after")
    def _times_in_order(self) -> "Completeness":
        if self.quiet_s > self.maximum_wait_s:
            raise ValueError(
                f"quiet_s ({self.quiet_s:g} s) is above maximum_wait_s ({self.maximum_wait_s:g} s): the maximum would "
                f"never be reached first; set maximum_wait_s to {self.quiet_s:g} or more, or quiet_s to "
                f"{self.maximum_wait_s:g} or less"
            )
        return self


class Archive(_Section):
    """Whom to ask for counts, identity and "do you hold it?"."""

    name: str = "archive"
    dicomweb_url: WebAddress | None = None
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    tls_ca: Path | None = None  # of dicomweb_url; None: the system's authorities
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    dimse_ae_title: AETitle | None = None
    dimse_host: str | None = None
    dimse_port: PeerPort | None = None
    move_ae_title: AETitle | None = None  # how this archive knows us as a C-MOVE destination; not the receiver's title
    move_host: str = "127.0.0.1"  # where we listen while it moves
    move_port: Port | None = None
    timeout_s: ForAnswer = 10.0
    source_ae_titles: tuple[AETitle, ...] = ()  # senders whose counts this archive knows; empty: all
    corrections_every_s: Period = 600.0  # how often to look for readers' segmentations; 0: only by order

    @model_validator(mode="after")
    def _no_half(self) -> "Archive":
        _refuse_half_login(self, f"archive {self.name!r}")
        if (self.move_ae_title is None) != (self.move_port is None):
            raise ValueError(f"archive {self.name!r}: move_ae_title and move_port belong together: set both or neither")
        return self


class Rung(StrEnum):
    """What a destination gets (standards 1.1, architecture 4: the ladder)."""

    SEG = "SEG"  # with a PET, that on the PET's grid too
    PET_SEG = "PET_SEG"
    SR = "SR"
    OUTLINES = "OUTLINES"
    NOTICE = "NOTICE"
    NOTICE_PICTURE = "NOTICE_SC"  # the notice as one image, for viewers that show no text reports
    KEY_SLICES = "SC"  # the summary and one picture per lesion
    SUMMARY = "SUMMARY"  # the summary picture alone
    PDF = "PDF"
    RTSTRUCT = "RTSTRUCT"
    KEY_OBJECTS = "KO"


_INCLUDED = {Rung.SEG: Rung.PET_SEG, Rung.KEY_SLICES: Rung.SUMMARY}


class Destination(_Section):
    """Where results go. `kind` decides which of the other fields are needed."""

    name: str = Field(pattern=r"^[a-z0-9_-]{1,32}$")
    kind: Literal["stow", "cstore", "orthanc", "folder"]
    url: WebAddress | None = None  # stow: DICOMweb root; orthanc: REST root
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    ae_title: AETitle | None = None
    host: str | None = None
    port: PeerPort | None = None
    path: Path | None = None  # of a folder that is there; it is never made
    tls: bool = False
    tls_ca: Path | None = None  # None: the system's authorities
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    timeout_s: ForAnswer = 60.0  # for one answer of the destination
    objects: tuple[Rung, ...] | None = None  # None: SEG, SR and NOTICE, and the SUMMARY unless `draws_results`
    draws_results: bool = False  # its viewers are known to draw SEG or SR, so it needs no picture of them
    commitment: Literal["none", "ask"] = "none"
    confirm: Literal["none", "qido", "cfind"] = "qido"  # how to ask the object back
    give_up_after_s: Wait = 604800.0  # a week; a destination that is not there at all is waited for
    first_retry_s: Wait = 5.0
    longest_retry_s: Wait = 900.0
    deflated_seg: bool = False  # send segmentations deflated; by C-STORE only where the peer accepts the syntax
    needs_study: bool = False  # nothing goes there whose study it does not hold: for where the studies come from

    @model_validator(mode="after")
    def _complete(self) -> "Destination":
        needed = {"stow": ("url",), "orthanc": ("url",), "cstore": ("ae_title", "host", "port"), "folder": ("path",)}
        missing = [field for field in needed[self.kind] if getattr(self, field) is None]
        if missing:
            raise ValueError(f"destination {self.name!r} of kind {self.kind!r} needs {', '.join(missing)}")
        if self.objects == ():
            raise ValueError(f"destination {self.name!r} would get nothing: its objects are empty")
        if self.path is not None and not self.path.is_absolute():
            raise ValueError(f"the path of destination {self.name!r} is relative, so it would depend on where we start")
        if self.first_retry_s > self.longest_retry_s:
            raise ValueError(
                f"destination {self.name!r}: first_retry_s ({self.first_retry_s:g} s) is above longest_retry_s "
                f"({self.longest_retry_s:g} s)"
            )
        _refuse_half_login(self, f"destination {self.name!r}")
        if self.commitment == "ask" and self.kind != "cstore":
            raise ValueError(
                f'destination {self.name!r}: commitment = "ask" is for the kind "cstore" alone; leave it out'
            )
        if self.deflated_seg and self.kind == "folder":
            raise ValueError(
                f"destination {self.name!r} is a folder, which keeps the bytes as they are: no deflated_seg"
            )
        if self.needs_study and self.kind == "folder":
            raise ValueError(f"destination {self.name!r} is a folder, which holds no studies: no needs_study")
        return self

    @property
    def rungs(self) -> frozenset[Rung]:
        """Everything that goes there: what it asks for, what belongs to that, or the default."""
        if self.objects is not None:
            return with_included(self.objects)
        picture = () if self.draws_results else (Rung.SUMMARY,)
        return with_included((Rung.SEG, Rung.SR, Rung.NOTICE, *picture))


def _refuse_half_login(site: Archive | Destination, name: str) -> None:
    """Refuse a user without a password and a certificate without its key: neither would be shown, and nobody told."""
    if site.username is not None and site.password is None:
        raise ValueError(f"{name}: the username has no password: set both or neither")
    if (site.tls_certificate is None) != (site.tls_key is None):
        raise ValueError(f"{name}: tls_certificate and tls_key belong together: set both or neither")


def with_included(rungs: Iterable[Rung]) -> frozenset[Rung]:
    """Add what belongs to a kind of object: the PET's segmentation to SEG, the summary to the key slices."""
    asked = frozenset(rungs)
    return asked | {included for rung, included in _INCLUDED.items() if rung in asked}


class Engine(_Section):
    """Durable workflows."""

    database_url: str | None = None  # None: SQLite beside the spool; postgresql+psycopg://… moves it
    slot: Slot = "worker-0"  # executor slot of this process; never shared
    analyses_at_once: int = Field(1, ge=1, le=64)
    poll_s: float = Field(0.2, gt=0, le=60)


class Watch(_Section):
    """Status page, metrics and health."""

    host: str = "127.0.0.1"
    port: Port = 8080


class Compute(_Section):
    """Devices and limits."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(0, ge=0, le=4096)  # 0: all cores
    lungs: str = "lungs-joint"  # default model of task lungs
    lesions: str | None = None
    limit_s: Wait = 1800.0  # SYS-TIME


class Objects(_Section):
    """How results are written."""

    manufacturer: LongString = "lungnode"
    station_name: ShortString = "LUNGNODE"
    device_serial_number: LongString = "0"
    uid_root: UidRoot | None = None
    uid_namespace: UuidText | None = None  # another namespace UUID for a de-identified copy
    series_number_base: int = Field(900000, ge=0, le=2_000_000_000)
    sr_class: Literal["comprehensive-3d", "comprehensive"] = "comprehensive-3d"  # the second where archives reject it
    seg_type: Literal["binary", "labelmap"] = "binary"  # older tools cannot read a report that names a label map
    ohif_hydrate: bool = False  # lets OHIF edit the axes; their tracking identifier then differs from the SEG's


class Rules(_Section):
    """Decisions about input that a site may change."""

    routes: Path | None = None  # TOML with routes; None: the built-in default route
    refuse_without_patient_id: bool = True
    multivolume: Literal["refuse", "first", "last"] = "refuse"
    minimum_age_years: float = Field(18.0, ge=0, le=150)
    earl: bool = False  # of several PET reconstructions take one without resolution modelling first (PT-MULTI)
    lesion_confidence: float | None = Field(None, ge=0, le=1)  # sure from here on, if not hazy; None: the model's
    uncertain_lesions: Literal["list", "drop"] = "list"
    stop_without_identity_check: bool = False
    compare_without_birth_date: bool = False  # with a prior of the same Patient ID where neither has a birth date


class Settings(_Section):
    """Everything, as one frozen snapshot."""

    data_dir: Path = Path("/var/lib/lungnode")
    models_dir: Path | None = None  # None: those shipped with the package
    receive: Receive = Receive()
    disk: Disk = Disk()
    completeness: Completeness = Completeness()
    archives: tuple[Archive, ...] = ()
    destinations: tuple[Destination, ...] = ()
    engine: Engine = Engine()
    watch: Watch = Watch()
    compute: Compute = Compute()
    objects: Objects = Objects()
    rules: Rules = Rules()
    _read_from: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        names = [d.name for d in self.destinations]
        if len(set(names)) != len(names):
            raise ValueError(f"two destinations share a name: {sorted(names)}")
        for name in names:  # what is delivered to it again is known by these names
            if (replay := re.fullmatch(r"(.+)-r\d+", name)) and replay[1] in names:
                raise ValueError(
                    f"destinations: {name!r} is what replays to {replay[1]!r} are called: give it another name"
                )
        archives = [a.name for a in self.archives]
        if len(set(archives)) != len(archives):
            raise ValueError(f"two archives share a name: {sorted(archives)}")
        return self

    @model_validator(mode="after")
    def _kept_while_waited_for(self) -> "Settings":
        kept_s, patience = self.disk.retention_days * 86400.0, self.completeness
        waits_s = patience.maximum_wait_s + patience.partner_wait_s
        if kept_s <= waits_s:
            raise ValueError(
                f"disk.retention_days ({self.disk.retention_days:g}, or {kept_s:g} s) is not above "
                f"completeness.maximum_wait_s and partner_wait_s together ({waits_s:g} s): what is still waited for "
                f"would be removed; set retention_days to {(waits_s // 864.0 + 1.0) / 100.0:g} or more"
            )
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> "Settings":
        ports = [p for p in (self.receive.port, self.receive.tls_port, self.watch.port) if p]
        if len(set(ports)) != len(ports):
            raise ValueError("receive.port, receive.tls_port and watch.port must differ")
        for archive in self.archives:
            if archive.move_port and archive.move_port in ports:
                raise ValueError(
                    f"archive {archive.name!r}: move_port {archive.move_port} is a port of ours already: set another"
                )
        return self

    @model_validator(mode="after")
    def _folders_apart(self) -> "Settings":
        for destination in self.destinations:
            if destination.path is not None and destination.path.is_relative_to(self.data_dir):
                raise ValueError(
                    f"destination {destination.name!r}: its path lies in data_dir ({self.data_dir}), which the node "
                    "clears by its own rules: name a folder beside it"
                )
        return self

    @property
    def read_from(self) -> Path | None:
        """The settings file; None where none was read and the defaults hold."""
        return self._read_from

    @property
    def config_hash(self) -> str:
        """SHA-256 over the settings that change results, part of a case's identity (standards 1.3)."""
        relevant = {
            "compute": self.compute.model_dump(mode="json", include={"lungs", "lesions"}),
            "objects": self.objects.model_dump(mode="json"),
            "rules": self.rules.model_dump(mode="json", exclude={"routes", "stop_without_identity_check"}),
        }
        return sha256(json.dumps(relevant, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """Read the settings: the file, then `LUNGNODE_SECTION__KEY` variables over it; `${NAME}` in a text is filled in.

    Parameters
    ----------
    path : the TOML file; None takes `LUNGNODE_CONFIG`, else `lungnode.toml` in the working directory, else defaults.
    environ : variables to read; None takes the process's own.

    Raises
    ------
    Misconfigured
        CFG-FILE where the file cannot be read, CFG-VALUE with every wrong key listed, each with its line or variable,
        CFG-ENV where a `${NAME}` is not in the environment, or a `LUNGNODE_…` variable names no table or nothing.
    """
    variables = dict(os.environ) if environ is None else environ
    file = _settings_file(path, variables)
    source = "settings" if file is None else str(file)
    text = "" if file is None else _read_file(file)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured("CFG-FILE", f"{source} is not valid TOML: {error}") from error
    refuse_unknown(Settings, variables, text)
    set_by = take_variables(Settings, raw, variables)
    try:
        settings = Settings.model_validate(filled(raw, variables))
    except ValidationError as error:
        lines = faults(error, Settings, source=source, lines=lines_of(text), variables=set_by)
        raise Misconfigured("CFG-VALUE", "the settings are not valid:\n  " + "\n  ".join(lines)) from error
    settings._read_from = file
    return settings


def _settings_file(path: Path | None, variables: dict[str, str]) -> Path | None:
    """Return the file that was named, else the one of the working directory where there is one."""
    if path is not None:
        return path
    if "LUNGNODE_CONFIG" in variables:
        return Path(variables["LUNGNODE_CONFIG"])
    here = Path("lungnode.toml")
    return here if here.exists() else None


def _read_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")  # some editors write a mark of byte order first
    except OSError as error:
        raise Misconfigured("CFG-FILE", f"cannot read the settings file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured("CFG-FILE", f"{file} is not valid TOML: {error}") from error
