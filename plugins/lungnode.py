"""Orthanc plugin: stable CT and PET series go to the node; "Analyse" in Orthanc Explorer; trigger and status by REST.

The change log of Orthanc is the queue. One thread reads it from a position that is kept in Orthanc's own database, so
running and catching up after downtime are the same code. Sending is left to Orthanc's job engine. The change callback
only wakes the thread. Standard library only: a native crash in here would take the archive down.

Configuration, in Orthanc's own file (the values are the defaults):

    "LungNode": {
      "Peer": "lungnode",                     name of the node in "DicomModalities"
      "StatusUrl": "http://127.0.0.1:8080",   the node's status page; "" tells it nothing
      "Modalities": ["CT", "PT"],             what is sent
      "Automatic": true,                      false: only by button and REST
      "RetrySeconds": 5,                      doubled with each failure, at most 300
      "GiveUpAfter": 50                       failures, after which a series is listed as failed
    }

A node that takes no association is waited for without end: it is asked by C-ECHO before anything is sent, since
Orthanc has one error code for all that fails in the network; only what fails after that counts as a failure. What is
listed as failed is tried once more every hour, and whenever Orthanc starts.

REST: POST /lungnode/analyse/<id of a series or study>, GET /lungnode/status.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import deque

import orthanc

DEFAULTS = {
    "Peer": "lungnode",
    "StatusUrl": "http://127.0.0.1:8080",
    "Modalities": ["CT", "PT"],
    "Automatic": True,
    "RetrySeconds": 5,
    "GiveUpAfter": 50,
}
OURS = "lungnode"  # manufacturer or model of what the node makes
PROPERTY = 4711  # Orthanc leaves the global properties from 1024 on to users
IN_FLIGHT = 4  # jobs at once: a long catch-up must not bury the jobs of other plugins
LONGEST_RETRY_S = 300
FAILED_AGAIN_S = 3600
NO_ASSOCIATION = "the node takes no association"
ECHO_WITHIN_S = 2
IDLE_S = 5
STABLE_MARGIN_S = 10
PAGE = 500

EXPLORER = """
function lungnodeButton(page, before) {
  $(page).live('pagebeforecreate', function () {
    var button = $('<a>').attr({'id': page.slice(1) + '-lungnode', 'href': '#', 'data-role': 'button',
      'data-icon': 'action', 'data-theme': 'e'}).text('Analyse with lungnode');
    button.insertBefore($(before).parent().parent());
    button.click(function () {
      var label = button.find('.ui-btn-text');
      $.ajax({url: '../lungnode/analyse/' + $.mobile.pageData.uuid, type: 'POST', data: '{}', dataType: 'json',
        success: function (answer) { label.text(answer.text); },
        error: function (request) { label.text('Not sent to lungnode: status ' + request.status); }});
      return false;
    });
  });
  $(page).live('pagebeforeshow', function () {
    $(page + '-lungnode').find('.ui-btn-text').text('Analyse with lungnode');
  });
}
lungnodeButton('#series', '#series-delete');
lungnodeButton('#study', '#study-delete');
"""


def get(path):
    """Ask Orthanc; None where it does not know (any more)."""
    try:
        return json.loads(orthanc.RestApiGet(path))
    except orthanc.OrthancException:
        return None


def read_settings():
    """Return our section over the defaults; warn of keys that nobody reads."""
    configuration = json.loads(orthanc.GetConfiguration())
    section = configuration.get("LungNode", {})
    for key in sorted(set(section) - set(DEFAULTS)):
        orthanc.LogWarning(
            "LungNode: unknown key {!r} in the configuration; known are {}".format(key, ", ".join(DEFAULTS))
        )
    settings = {**DEFAULTS, **section}
    if settings["Peer"] not in configuration.get("DicomModalities", {}):
        orthanc.LogWarning(
            'LungNode: "DicomModalities" has no entry {!r}; nothing can be sent'.format(settings["Peer"])
        )
    if "" in configuration.get("RegisteredUsers", {}).values():
        orthanc.LogWarning("LungNode: a user of this Orthanc has an empty password")
    settings["StableAge"] = configuration.get("StableAge", 60)
    return settings


def why_not(series, modalities):
    """Say why a series is not sent, or return an empty text."""
    modality = series["MainDicomTags"].get("Modality", "")
    if modality not in modalities:
        return "modality {} is not one of {}".format(modality or "(none)", ", ".join(modalities))
    if not series["Instances"]:
        return "no instances"
    tags = get("/instances/{}/simplified-tags".format(series["Instances"][0])) or {}
    makers = (tags.get("Manufacturer", ""), tags.get("ManufacturerModelName", ""))
    if any(str(maker).strip().lower() == OURS for maker in makers):
        return "made by lungnode"
    return ""


class Sender(threading.Thread):
    """Reads the change log and sees that every series that is wanted reaches the node."""

    def __init__(self, settings):
        super().__init__(name="lungnode", daemon=True)
        self.settings = settings
        self.wake = threading.Event()
        self.stopping = threading.Event()
        self.lock = threading.Lock()  # over `queue` and `failed`: REST callbacks change both
        self.queue = []  # {"series", "attempts", "failures", "job", "error"}; "due" is not kept
        self.failed = []
        self.failed_due = 0.0
        self.sent = 0
        self.is_there = None  # whether the node takes associations: asked once a turn, where something is to be sent
        self.position = self.rescan_from = 0
        self.positions = deque()  # (when, position), to know how far everything has become stable
        self.kept = None

    def add(self, series_id, failures=0):
        """Queue one series, unless it already waits to be sent."""
        with self.lock:
            self.failed = [entry for entry in self.failed if entry["series"] != series_id]
            if not any(entry["series"] == series_id and not entry["job"] for entry in self.queue):
                entry = {"series": series_id, "attempts": 0, "failures": failures, "job": None, "error": "", "due": 0.0}
                self.queue.append(entry)
        self.wake.set()

    def status(self):
        """Return what GET /lungnode/status answers."""
        modality = (get("/modalities?expand") or {}).get(self.settings["Peer"])
        last = (get("/changes?last") or {}).get("Last")
        node_answers = self.tell("/healthz", None)  # up to two seconds, in which nobody must wait for the lock
        with self.lock:
            waiting = [{k: v for k, v in entry.items() if k != "due"} for entry in self.queue]
            return {
                "peer": self.settings["Peer"],
                "ae_title": modality and modality["AET"],
                "automatic": self.settings["Automatic"],
                "position": self.position,
                "last": last,
                "sent": self.sent,
                "waiting": waiting,
                "failed": list(self.failed),
                "node_answers": node_answers,
            }

    def run(self):
        """Work until Orthanc stops; a mistake of ours is logged and must not end the thread."""
        restored = False
        while not self.stopping.is_set():
            try:
                if not restored:
                    self.restore()
                    restored = True
                self.read_changes()
                self.take_up_failed()
                self.work_off()
                self.keep()
                wait_s = self.pause()
            except Exception as error:
                orthanc.LogError(f"LungNode: {type(error).__name__}: {error}")
                wait_s = IDLE_S
            self.wake.wait(wait_s)
            self.wake.clear()

    def pause(self):
        """Return how long there is nothing to do, if nobody wakes us."""
        now = time.monotonic()
        with self.lock:
            dues = [entry["due"] - now for entry in self.queue if not entry["job"]]
        return max(0.1, min([IDLE_S, *dues]))

    def restore(self):
        """Take up the kept state; the first start begins at the end of the log, not with the whole archive."""
        state = self.kept_state()
        if state is None:
            self.position = self.rescan_from = get("/changes?last")["Last"]
            return
        position, rescan_from, queue, failed = state
        forgotten = self.forgotten(rescan_from) if self.settings["Automatic"] else []
        self.position, self.rescan_from = position, rescan_from
        with self.lock:  # the button may have been pressed already
            known = {entry["series"] for entry in queue}
            self.queue = queue + [entry for entry in self.queue if entry["series"] not in known]
            self.failed = failed
        for series_id in forgotten:
            self.add(series_id)

    @staticmethod
    def kept_state():
        """Read position, start of a second look, queue and failures; None where nothing readable is kept."""
        text = orthanc.GetGlobalProperty(PROPERTY, "")
        if not text:
            return None
        try:
            state = json.loads(text)
            queue = [{"failures": 0, **entry, "due": 0.0} for entry in state["queue"]]
            return int(state["position"]), int(state["rescan_from"]), queue, list(state["failed"])
        except (ValueError, KeyError, TypeError) as error:
            orthanc.LogError(
                f"LungNode: the kept state cannot be read ({type(error).__name__}: {error}); only what comes from now "
                "on is sent, what waited must be sent by hand"
            )
            return None

    def forgotten(self, since):
        """Find the series that were still growing when Orthanc went down: it never calls them stable afterwards."""
        growing = {}
        for change in self.changes(since):
            if change["ChangeType"] == "NewSeries":
                growing[change["ID"]] = True
            elif change["ChangeType"] == "NewInstance":
                instance = get("/instances/" + change["ID"])
                if instance:
                    growing[instance["ParentSeries"]] = True
            elif change["ChangeType"] == "StableSeries":
                growing.pop(change["ID"], None)
        return [series for series in growing if (get("/series/" + series) or {}).get("IsStable")]

    @staticmethod
    def changes(since):
        """Yield the log from a position on. This version of Orthanc cannot filter it by type."""
        done = False
        while not done:
            page = get(f"/changes?since={since}&limit={PAGE}")
            yield from page["Changes"]
            since, done = page["Last"], page["Done"]

    def read_changes(self):
        """Queue what has become stable since the last look."""
        for change in self.changes(self.position):
            if change["ChangeType"] == "StableSeries" and self.settings["Automatic"]:
                self.add(change["ID"])
            self.position = change["Seq"]
        now = time.monotonic()
        self.positions.append((now, self.position))
        while self.positions and now - self.positions[0][0] > self.settings["StableAge"] + STABLE_MARGIN_S:
            self.rescan_from = self.positions.popleft()[1]

    def take_up_failed(self):
        """Queue what failed for one more try: what stood in its way may be mended."""
        if time.monotonic() < self.failed_due:
            return
        self.failed_due = time.monotonic() + FAILED_AGAIN_S
        with self.lock:
            failed = list(self.failed)
        for entry in failed:
            self.add(entry["series"], failures=self.settings["GiveUpAfter"] - 1)

    def work_off(self):
        """Follow up the running jobs, then start as many as may run."""
        with self.lock:
            entries = list(self.queue)
        for entry in entries:
            if entry["job"]:
                self.follow(entry)
        running = sum(1 for entry in entries if entry["job"])
        self.is_there = None
        for entry in entries:
            if not entry["job"] and running < IN_FLIGHT and entry["due"] <= time.monotonic():
                running += self.start_job(entry)

    def start_job(self, entry):
        """Tell the node what to expect and hand the series to the job engine; return the number of jobs started."""
        series = get("/series/" + entry["series"])
        reason = why_not(series, self.settings["Modalities"]) if series else "deleted"
        if reason:
            self.drop(entry)
            orthanc.LogInfo("LungNode: series {} is not sent: {}".format(entry["series"], reason))
            return 0
        if self.is_there is None:
            self.is_there = self.takes_associations()
        if not self.is_there:
            self.postpone(entry, NO_ASSOCIATION, counts=False)
            return 0
        study = get("/studies/" + series["ParentStudy"])
        self.tell(
            "/api/expected",
            {
                "study_instance_uid": study["MainDicomTags"]["StudyInstanceUID"],
                "series_instance_uid": series["MainDicomTags"]["SeriesInstanceUID"],
                "n_instances": len(series["Instances"]),
                "modality": series["MainDicomTags"].get("Modality", ""),
            },
        )
        order = {"Resources": [entry["series"]], "Synchronous": False, "Permissive": False}
        try:
            answer = orthanc.RestApiPost("/modalities/{}/store".format(self.settings["Peer"]), json.dumps(order))
            entry["job"] = json.loads(answer)["ID"]
            return 1
        except orthanc.OrthancException as error:
            self.postpone(entry, str(error))
            return 0

    def takes_associations(self):
        """Ask the node by C-ECHO."""
        try:
            orthanc.RestApiPost(
                "/modalities/{}/echo".format(self.settings["Peer"]), json.dumps({"Timeout": ECHO_WITHIN_S})
            )
            return True
        except orthanc.OrthancException:
            return False

    def follow(self, entry):
        """See what became of a job. One that Orthanc has forgotten is sent again: the node knows repeats."""
        job = get("/jobs/" + entry["job"])
        if job is None:
            entry["job"] = None
        elif job["State"] == "Success":
            self.drop(entry)
            self.sent += 1
        elif job["State"] == "Failure":
            self.postpone(entry, job.get("ErrorDetails") or job.get("ErrorDescription", ""))

    def postpone(self, entry, error, counts=True):
        """Try again later, or list the series as failed, unless it does not count as a failure."""
        entry["job"], entry["error"] = None, error
        entry["attempts"] += 1
        wait_s = self.settings["RetrySeconds"] * 2 ** min(entry["attempts"] - 1, 10)
        entry["due"] = time.monotonic() + min(LONGEST_RETRY_S, wait_s)
        if not counts:
            return
        entry["failures"] += 1
        if entry["failures"] >= self.settings["GiveUpAfter"]:
            self.drop(entry)
            with self.lock:
                self.failed = [*self.failed, {"series": entry["series"], "error": error}][-1000:]
            orthanc.LogError("LungNode: gave up on series {}: {}".format(entry["series"], error))

    def drop(self, entry):
        """Forget an entry."""
        with self.lock:
            self.queue = [other for other in self.queue if other is not entry]

    def keep(self):
        """Write down where we are, where that has changed."""
        with self.lock:
            queue = [{k: v for k, v in entry.items() if k != "due"} for entry in self.queue]
            failed = list(self.failed)
        state = {"position": self.position, "rescan_from": self.rescan_from, "queue": queue, "failed": failed}
        text = json.dumps(state)
        if text != self.kept:
            orthanc.SetGlobalProperty(PROPERTY, text)
            self.kept = text

    def tell(self, path, value):
        """Call the node's status page; whether it answered. The node does not need it."""
        if not self.settings["StatusUrl"]:
            return False
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(  # noqa: S310 - the site's own setting
            self.settings["StatusUrl"].rstrip("/") + path, body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
                return answer.status < 300
        except (urllib.error.URLError, OSError, ValueError):
            return False


def on_change(change, _level, _resource):
    """Wake the thread; a callback holds the interpreter, so nothing else happens here."""
    if change == orthanc.ChangeType.ORTHANC_STARTED:
        sender.start()
    elif change == orthanc.ChangeType.ORTHANC_STOPPED:
        sender.stopping.set()
        sender.wake.set()
        sender.join(10)
    elif change in (
        orthanc.ChangeType.STABLE_SERIES,
        orthanc.ChangeType.JOB_SUCCESS,
        orthanc.ChangeType.JOB_FAILURE,
    ):
        sender.wake.set()


def answer(output, value, status=200):
    """Answer a REST call with JSON."""
    body = json.dumps(value)
    if status == 200:
        output.AnswerBuffer(body, "application/json")
    else:
        output.SendHttpStatus(status, body, len(body))


def on_analyse(output, _uri, **request):
    """POST /lungnode/analyse/<id>: queue a series or what qualifies of a study; say what was left and why."""
    if request["method"] != "POST":
        output.SendMethodNotAllowed("POST")
        return
    resource = request["groups"][0]
    series = get("/series/" + resource)
    if series:
        candidates = [series]
    elif get("/studies/" + resource):
        candidates = get(f"/studies/{resource}/series")
    else:
        answer(output, {"error": "no series and no study has the id " + resource}, 404)
        return
    queued, left = [], []
    for candidate in candidates:
        reason = why_not(candidate, sender.settings["Modalities"])
        if reason:
            left.append({"series": candidate["ID"], "why": reason})
        else:
            sender.add(candidate["ID"])
            queued.append(candidate["ID"])
    text = f"{len(queued)} series on the way to lungnode" if queued else "Not sent: " + left[0]["why"]
    answer(output, {"queued": queued, "left": left, "text": text})


def on_status(output, _uri, **request):
    """GET /lungnode/status."""
    if request["method"] != "GET":
        output.SendMethodNotAllowed("GET")
        return
    answer(output, sender.status())


sender = Sender(read_settings())
orthanc.RegisterOnChangeCallback(on_change)
orthanc.RegisterRestCallback("/lungnode/analyse/([0-9a-f-]+)", on_analyse)
orthanc.RegisterRestCallback("/lungnode/status", on_status)
orthanc.ExtendOrthancExplorer(EXPLORER)
