"""A page that is served to tests: a desk that writes down what is asked for, and clients that speak to it."""

import json
from contextlib import contextmanager
from http.client import HTTPConnection

from websockets.sync.client import connect

from rt_render.app.controls.desk import Change
from rt_render.app.controls.table import CONTROLS
from rt_render.app.web.gate import Gate
from rt_render.app.web.place import listen
from rt_render.app.web.server import PageServer
from rt_render.errors import ConfigurationError

REVEALED, SENDER = "A was Tracked, B was Untracked; B was chosen", "OSC from 192.168.7.9:53412"
POSE = {"type": "pose", "q": [1, 0, 0, 0], "energy": None}


class WritingDesk:
    """Judges wishes by the real table, and writes down those that it would carry out."""

    def __init__(self):
        self.asked, self.listeners, self.ready = [], [], True
        self.values = {"gain_db": 0.0, "muted": False, "playing": True, "recentre": None, "prediction": "off"}

    def ask(self, name, value=None, who=""):
        control = next((one for one in CONTROLS if one.name == name), None)
        if control is None or name not in self.values:
            return f"there is no control {name[:40]!r}."
        try:
            wanted = control.checked(value, control.choices if isinstance(control.choices, tuple) else ())
        except ConfigurationError as error:
            return str(error)
        self.asked.append((name, wanted, who))
        return None

    def state(self):
        if not self.ready:
            return {}
        return {
            "values": dict(self.values),
            "closed": [],
            "messages": ["/home/booth/a.wav cannot be read.", REVEALED],
            "answers": [REVEALED],
            "tracker": {"state": "live", "text": f"{SENDER}: 100 poses/s, 4 ms old"},
            "glitches": [{"text": "no new pose", "time_s": 3.0, "cause": f"{SENDER} sent nothing"}],
        }

    def controls(self):
        return [{"name": one.name, "kind": one.kind, "about": one.about, "setup": one.setup} for one in CONTROLS]

    def subscribe(self, callback):
        self.listeners.append(callback)
        return self.listeners.clear

    def change(self, name, value):
        self.values[name] = value
        for listener in self.listeners:
            listener(Change(name, value, ""))


class Served:
    """A running server; `desk`, `said`, `port`."""

    def __init__(self, *, token="", visitors=None, tell_pose=lambda now_s: POSE):
        self.desk, self.said = WritingDesk(), []
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.server = PageServer(
            listener,
            Gate("127.0.0.1", token, visitors=visitors),
            self.desk,
            tell_pose,
            greeting={"version": "1", "title": "test"},
            on_message=self.said.append,
        )
        self.server.start()

    def client(self, query="", **more):
        return connect(f"ws://127.0.0.1:{self.port}/ws{query}", proxy=None, compression=None, **more)

    def get(self, path, method="GET", headers=(), body=None):
        """Return status, headers and content of a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@contextmanager
def served(**more):
    page = Served(**more)
    try:
        yield page
    finally:
        page.server.stop()


def next_of(client, kind):
    """Return the next message of a kind."""
    for _ in range(500):
        message = json.loads(client.recv(10))
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def ask(client, name, value=None, number=7):
    """Set a control; return the answer."""
    client.send(json.dumps({"type": "set", "name": name, "value": value, "id": number}))
    while True:
        message = json.loads(client.recv(10))
        if message["type"] in ("done", "refused"):
            return message
