"""The index's tables. All but `decisions` and `results` can be rebuilt from the files of the spool."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

instances = Table(
    "instances",
    metadata,
    Column("path", String(300), primary_key=True),  # below the spool
    Column("place", String(16), nullable=False),  # studies | variants | quarantine | superseded
    Column("sop_uid", String(64), nullable=False, index=True),
    Column("series_uid", String(64), nullable=False, index=True),
    Column("study_uid", String(64), nullable=False, index=True),
    Column("sop_class_uid", String(64), nullable=False),
    Column("transfer_syntax_uid", String(64), nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("calling_ae", String(16), nullable=False),
    Column("called_ae", String(16), nullable=False),
    Column("received_at_s", Float, nullable=False),
)

associations = Table(
    "associations",
    metadata,
    Column("association", String(40), primary_key=True),
    Column("process", String(64), nullable=False, index=True),
    Column("calling_ae", String(16), nullable=False),
    Column("called_ae", String(16), nullable=False),
    Column("host", String(64), nullable=False),
    Column("opened_at_s", Float, nullable=False),
    Column("ended_at_s", Float),
    Column("ended", String(16)),  # released | aborted
    Column("n_instances", Integer, nullable=False, default=0),
)

association_studies = Table(
    "association_studies",
    metadata,
    Column("association", String(40), primary_key=True),
    Column("study_uid", String(64), primary_key=True, index=True),
)

announced = Table(  # instances that a peer named in a storage commitment request
    "announced",
    metadata,
    Column("sop_uid", String(64), primary_key=True),
    Column("calling_ae", String(16), nullable=False),
    Column("at_s", Float, nullable=False),
)

journal_positions = Table(
    "journal_positions",
    metadata,
    Column("file", String(128), primary_key=True),
    Column("offset", BigInteger, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("subject", String(128), nullable=False),  # a study UID or a workflow id
    Column("kind", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fields", Text, nullable=False),  # JSON: UIDs, codes and numbers, never patient data
    Column("at_s", Float, nullable=False),
    Index("decisions_by_subject", "subject", "number"),
)

results = Table(
    "results",
    metadata,
    Column("sop_uid", String(64), primary_key=True),
    Column("series_uid", String(64), nullable=False),
    Column("sop_class_uid", String(64), nullable=False),
    Column("study_uid", String(64), nullable=False, index=True),
    Column("workflow_id", String(64), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("path", String(300), nullable=False),  # below the results folder
    Column("made_at_s", Float, nullable=False),
)
