"""What stopped the program, by code: the failures (exceptions) and alerts beside the reasons about an input.

The exit status is that of the class of the exception; an alert and a line of the log have none. A code of exit status
70 that does not stand here is a mistake of this program; its text names the incident in the log.
"""

_REFUSED, _WORLD, _SETTINGS, _USAGE, _NOT_YET = "3", "4", "5", "2", "75"

# code -> (exit status or "-", meaning, what to do)
FAILURES: dict[str, tuple[str, str, str]] = {
    # command line
    "USAGE": (_USAGE, "The command was not written as its help says", "See `lungnode COMMAND --help`"),
    "CLI-ROUTE": (_SETTINGS, "No such route", "`lungnode routes check` lists them"),
    "CLI-DESTINATION": (_SETTINGS, "No such destination", "See `destinations` in the settings"),
    "API-VALUE": (_REFUSED, "The plugin or a caller sent values that are none", "See the text"),
    # settings and environment
    "CFG-FILE": (
        _SETTINGS,
        "The settings file cannot be read or is no TOML",
        "See the text; line and column stand there",
    ),
    "CFG-VALUE": (_SETTINGS, "Settings are unknown, mistyped or out of range", "Each stands on a line with its place"),
    "CFG-ENV": (
        _SETTINGS,
        "A variable that the settings name is missing, or a LUNGNODE_ variable names no table or nothing that is read",
        "Set or correct it",
    ),
    "CFG-PLACEHOLDER": (
        "-",
        "A setting still has the password or an address of the commented configuration",
        "Write the real one",
    ),
    "CFG-ROUTES": (_SETTINGS, "The routes are not valid", "`lungnode routes check`; each fault stands with its line"),
    "CFG-PORT": (
        f"{_NOT_YET} or {_SETTINGS}",
        "A port is taken or its address is not there yet; 5: it may not be used",
        "End who holds it, or change host or port",
    ),
    "CFG-TLS": (_SETTINGS, "TLS files of the listener are missing or do not fit", "See receive.tls_…"),
    "CFG-DATABASE": (_NOT_YET, "The engine's database does not answer", "`pg_isready`; see engine.database_url"),
    "SYS-DISK": (
        _NOT_YET,
        "The disk is full, over its quota or read-only",
        "Free the disk of data_dir; the work goes on by itself",
    ),
    "ENV-DATA": (
        _NOT_YET,
        "data_dir was unmounted, moved or removed under a running node",
        "Bring it back; the work goes on by itself. Where it is lost, start the node again",
    ),
    "ENV-NEWER": (
        _SETTINGS,
        "A newer version of the program has written in data_dir",
        "Install that version again, or put back the copy from before the upgrade",
    ),
    "TLS-FILES": (_SETTINGS, "TLS files of a destination or an archive cannot be read", "See its tls_…"),
    "TLS-EXPIRES": (
        "-",
        "A TLS certificate of ours expires within 30 days, or has",
        "Renew it; it is read anew by itself",
    ),
    "ENV-FILE": (_SETTINGS, "A file or folder cannot be read or written", "See its path and rights"),
    "ENV-FONT": (_SETTINGS, "A font for pictures is missing", "Install it, or the package again"),
    "ENV-ORTHANC": (_SETTINGS, "Orthanc is not installed", "Install Debian's orthanc"),
    "ENV-SHIPPED": (_SETTINGS, "A file that comes with the package is missing", "Install the package again"),
    "SYS-MONAI": (_SETTINGS, "MONAI is not installed", "Install the extra that the text names"),
    "SYS-PEER": (_SETTINGS, "A peer of a benchmark is not installed", "Install what the text names"),
    # the engine, jobs and deliveries
    "ENG-SLOT": (
        _SETTINGS,
        "Another process runs in this slot or on this folder",
        "End it, or set another engine.slot",
    ),
    "ENG-ABSENT": (
        _SETTINGS,
        "The data folder has no database of the engine yet",
        "Name the settings file (`--config`); else start `lungnode serve` once",
    ),
    "ENG-DAMAGED": (
        _NOT_YET,
        "engine.sqlite is damaged; what arrives is kept meanwhile, nothing is analysed",
        "See the disk; move engine.sqlite, -wal and -shm away: open cases are queued again from their files",
    ),
    "ENG-FILE": (
        _SETTINGS,
        "A file of a case, or another of the node's own, is damaged; the other cases go on",
        "Put it back from a backup, or move the folder of its case out of data_dir: sent again, it is analysed again",
    ),
    "SYS-FORK": (
        _WORLD,
        "The machine gives no process to an analysis: too many run, or memory or open files are at their limit",
        "Nothing: it is tried again; where it stays, see TasksMax= and LimitNOFILE= of the unit, and the memory",
    ),
    "SYS-CLOCK": (
        "-",
        "The clock was set back: studies had arrived later than it says now, and are taken to have arrived just now",
        "Let the machine's clock follow a time server that does not step",
    ),
    "IDX-JOURNAL": (
        "-",
        "A journal of the receiver is shorter than what was read of it, as after a power cut or a restore",
        "Nothing: it is read from its beginning, and the files of the spool are counted again",
    ),
    "IDX-DAMAGED": (
        "-",
        "index.sqlite was damaged; it was moved aside and made anew from the files",
        "See the disk and its cables (`dmesg`, `smartctl`), then remove index.sqlite.damaged-…",
    ),
    "ENG-LOOP": (
        "-",
        "A loop of the worker ended",
        "It is started again; see the line before",
    ),
    "ENG-TRIES": (
        "-",
        "A case was begun 100 times, and each time its worker ended before it did",
        "Mend what the log says of the worker's end, then `lungnode jobs retry`",
    ),
    "DLV-DEAD": (
        "-",
        "A delivery was given up",
        "See the last error and the setting that the next step names, then `lungnode jobs replay`",
    ),
    "DLV-NOWHERE": (
        "-",
        "No destination is configured: results stay in the node, and retention removes none of them",
        "Add a [[destinations]] section; what was made meanwhile is delivered after the restart",
    ),
    "DLV-NOSTUDY": (
        "-",
        "A destination with `needs_study` does not hold the study of the results: they are kept, and not sent there",
        "Cancel the job where the study was deleted for good; else send it there again: the delivery goes on by "
        "itself, or at once by `lungnode jobs replay`",
    ),
    "DLV-AUTH": ("-", "A destination refuses the credentials", "Correct them in the settings and restart"),
    "JOB-UNKNOWN": (_SETTINGS, "No such job", "`lungnode jobs list`"),
    "JOB-DONE": (_REFUSED, "The job is done already", "Nothing; `jobs replay` sends its results again"),
    "JOB-NOTHING": (_REFUSED, "The order has nothing to act on", "See `lungnode jobs show`"),
    "JOB-GONE": (_REFUSED, "What the job needs was removed by retention", "Send the study again"),
    "JOB-REJECTED": (_REFUSED, "The sources were rejected in the archive", "Nothing"),
    "JOB-SUPERSEDED": (_REFUSED, "A newer result took the place of this one", "See the newer job"),
    "JOB-CORRECTION": (_REFUSED, "The job is a reader's correction", "`lungnode corrections`"),
    "COR-UNKNOWN": (_SETTINGS, "No such correction", "`lungnode corrections list`"),
    "COR-UNUSED": (_REFUSED, "The correction was judged not to be used", "See its codes"),
    "COR-GONE": (_REFUSED, "What the correction needs was removed by retention", "Send the study again"),
    # the archive and other peers
    "ARCHIVE-DOWN": (_WORLD, "The archive does not answer", "See address and network"),
    "ARCHIVE-BUSY": (_WORLD, "The archive is busy", "It is asked again"),
    "ARCHIVE-BROAD": (_WORLD, "The archive finds the request too broad", "See its limits"),
    "ARCHIVE-ANSWER": (_WORLD, "The archive's answer is not valid", "See its log"),
    "ARCHIVE-PARTIAL": (_WORLD, "The archive gave a part only", "It is asked again"),
    "ARCHIVE-SLOW": (_WORLD, "The archive did not finish in time", "See its load, and the limit"),
    "ARCHIVE-PORT": (_WORLD, "The port for what an archive moves to us cannot be opened", "See who holds it"),
    "ARCHIVE-GONE": (_REFUSED, "The archive does not have what was asked for", "Nothing"),
    "ARCHIVE-LOGIN": (_SETTINGS, "The archive refuses the login", "Correct username, password or token"),
    "ARCHIVE-REFUSED": (_SETTINGS, "The archive refuses our association or query", "See both AE titles"),
    "ARCHIVE-MOVE": (
        _SETTINGS,
        "The archive does not know where to move to",
        "Enter our AE title, host and port there",
    ),
    "ORTHANC-REST": (_WORLD, "Orthanc's own interface does not answer", "See its log"),
    "NET-ASSOCIATE": (_WORLD, "No association with the peer", "See address and both AE titles"),
    "PROC-START": (_WORLD, "A process of demo or benchmark did not start", "See its log"),
    "NODE-ENDED": (_WORLD, "The node of demo or benchmark ended", "See its log"),
    "DEMO-INPUT": (_REFUSED, "There is nothing to send in the folder", "Give a folder of DICOM"),
    "DEMO-SEND": (_WORLD, "Orthanc did not take the study", "See its log"),
    "DEMO-SOURCE": (_WORLD, "The source of a result is not in Orthanc", "See its log"),
    "DEMO-TIMEOUT": (_WORLD, "No result came in time", "See the node's log"),
    "BENCH-PEER": (_WORLD, "A peer of a benchmark failed", "See the text"),
    "BENCH-TIMEOUT": (_WORLD, "A benchmark's result did not come in time", "See the node's log"),
    # learning
    "MODEL-UNKNOWN": (_REFUSED, "No such network or protocol", "The text lists them"),
    "SET-UNREAD": (_REFUSED, "The labelled set or its index cannot be read", "See the text and docs/own-data.md"),
    "SET-EMPTY": (
        _REFUSED,
        "No row of the set is left",
        "The text counts what fell out and why; see --split and --where",
    ),
    "SET-LEAK": (_REFUSED, "A patient would stand on both sides of a split", "Use another split"),
    "SET-LICENCE": (_REFUSED, "The set's licence does not allow it", "See the text"),
    "FOLD-RANGE": (_REFUSED, "No such fold", "See the text"),
    "LOSS-SHARES": (_REFUSED, "Shares of the loss that make no sense", "Give three numbers, to fusionlungnet alone"),
    "LOSS-NAN": (_REFUSED, "The loss of a training is no number", "Give `--precision fp32` or a lower `--lr`"),
    "RUN-OTHER": (_REFUSED, "The folder holds a training of other settings", "Give another --out"),
    "INIT-UNREAD": (
        _REFUSED,
        "There are no weights to begin a training with",
        "Give a run's folder, or a model of `lungnode models list`",
    ),
    "INIT-OTHER": (
        _REFUSED,
        "The weights to begin with are of another network or other sizes",
        "Give the network, --width and --switch that the text names",
    ),
    "CALIBRATE-FEW": (_REFUSED, "Too few cases to calibrate with", "See the text"),
    "EVAL-EMPTY": (_REFUSED, "No case to judge", "See the text, --split and --where"),
    "EVAL-TRAINED": (_REFUSED, "The model was trained on what it is to be judged by", "Use another split"),
    "EXPORT-LICENCE": (_REFUSED, "The training's data do not allow an export", "See the text"),
    "EXPORT-UNREAD": (_REFUSED, "The training to be exported cannot be read", "See the text"),
    "IMPORT-NONE": (_REFUSED, "Nothing to import in the folder", "See the text"),
    "IMPORT-UNREAD": (_REFUSED, "A file of the data set cannot be read", "See the text"),
    "NIFTI-UNREAD": (_REFUSED, "A NIfTI file cannot be read", "See the text"),
    "NIFTI-AXES": (_REFUSED, "A NIfTI file has axes that are not those of a patient", "See the text"),
    "PRED-UNREAD": (_REFUSED, "Predictions cannot be read", "See the text"),
    "RULE-SLICE": (_REFUSED, "A rule cannot judge single slices", "Judge volumes, or a network that the text names"),
}
