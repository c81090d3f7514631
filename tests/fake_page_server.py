"""A renderer that only speaks to the page: a head that turns, sound that stays, and a log of what was asked for.

`python tests/fake_page_server.py [PORT]` serves it for as long as nobody stops it, to look at the page by hand.
"""

import json
import math
import sys
import time
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

STATIC = Path(__file__).parent.parent / "rt_render/app/web/static"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
WRONG_TOKEN = 4401
N_AZIMUTH, ELEVATIONS_DEG = 72, (-60, -40, -20, 0, 20, 40, 60)


def control(name, kind, about, *, unit="", low=None, high=None, choices=(), whole=False, setup=False):
    return {
        "name": name,
        "kind": kind,
        "about": about,
        "unit": unit,
        "low": low,
        "high": high,
        "whole": whole,
        "setup": setup,
        "choices": choices,
    }


CONTROLS = [
    control("recentre", "action", "where you look now is straight ahead"),
    control("playing", "switch", "play, or pause"),
    control("muted", "switch", "mute, or sound again"),
    control("gain_db", "number", "the volume", unit="dB", low=-60, high=24),
    control("position_s", "number", "where in the piece", unit="s", low=0),
    control("next", "action", "the next piece"),
    control("previous", "action", "the piece before"),
    control("item", "number", "the item of a playlist, by its number", low=1, whole=True),
    control("tracking", "switch", "the field stays in the room while the head turns", setup=True),
    control("compare", "text", "which version is heard"),
    control("compare_blind", "switch", "names are hidden and letters shuffled"),
    control("compare_reveal", "action", "tell which letter was which"),
    control("order", "choice", "how fine the field is", choices=["1", "3", "5", "7"], setup=True),
    control("head", "choice", "whose ears", choices=["KEMAR", "KEMAR, large ears", "spherical head"], setup=True),
    control("panorama", "choice", "stereo becomes a space", choices=["off", "speakers", "space"], setup=True),
    control("panorama_width_deg", "number", "how wide", unit="deg", low=30, high=180, setup=True),
    control(
        "prediction",
        "choice",
        "turning on to when the sound is heard",
        choices=["off", "constant", "learnt"],
        setup=True,
    ),
    control("bypass", "switch", "what only a live input has: this session has no value for it"),
    control("extra_latency_ms", "number", "what wireless headphones need", unit="ms", low=0, high=1000, setup=True),
]
SLOTS = [
    {"name": "tracked", "title": "Tracked", "about": "the room stays, you turn"},
    {"name": "untracked", "title": "Untracked", "about": "the room turns with you"},
    {"name": "stereo", "title": "Plain stereo", "about": "a down-mix of the field"},
    {"name": "order 1", "title": "First order", "about": "four channels"},
]


def spread(p50_ms: float) -> dict:
    return {"p50": p50_ms, "p95": 1.25 * p50_ms, "worst": 1.6 * p50_ms}


BUDGET = {
    "parts": {
        "sensor and transport": spread(3.1),
        "wait for the block": spread(1.4),
        "block": spread(1.3),
        "device": spread(2.7),
        "filters": spread(0.7),
        "extra": spread(0.0),
    },
    "total": spread(9.2),
}


class FakeRenderer:
    """Serves the page at `url` until it is closed; `asked` has what clients set, `values` what holds."""

    def __init__(self, *, token: str = "", port: int = 0, still: bool = False) -> None:
        self.reset()
        self.clients: set[ServerConnection] = set()
        self.still, self.token, self._start_s = still, token, time.monotonic()
        self._server: Server | None = None
        self.listen(port)

    def reset(self) -> None:
        """Begin anew: default values, a head that looks ahead, and nothing asked for."""
        self.values = {
            "playing": True,
            "muted": False,
            "gain_db": -6.0,
            "tracking": True,
            "order": "5",
            "head": "KEMAR",
            "panorama": "speakers",
            "panorama_width_deg": 90,
            "prediction": "learnt",
            "item": 3,
            "next": None,
            "previous": None,
            "recentre": None,
            "compare_reveal": None,
            "position_s": 83.0,
            "extra_latency_ms": 0,
            "compare": "tracked",
            "compare_blind": False,
        }
        self.controls = CONTROLS
        self.messages = ["The tracker was found on USB.", "The playlist begins again."]
        self.asked: list[tuple[str, object]] = []
        self.refusals: dict[str, str] = {}
        self.head_deg = (0.0, 0.0, 0.0)
        self.sources = None
        self.age_ms = 4.2
        self.length_s = 312.0
        self.glitches = []
        self.tracker_state = "live"
        self.somebody, self.resting = True, False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def listen(self, port: int = 0) -> None:
        self._server = serve(self._talk, "127.0.0.1", port, process_request=self._page)
        self.port = self._server.socket.getsockname()[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self.drop()

    def drop(self) -> None:
        for client in tuple(self.clients):
            client.close()

    def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path).path
        if path == "/ws":
            return None
        name = "index.html" if path == "/" else path.removeprefix("/static/")
        file = STATIC / Path(name).name
        if not file.is_file():
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        body = file.read_bytes()
        headers = Headers({"Content-Type": KINDS[file.suffix], "Content-Length": str(len(body))})
        headers["Content-Security-Policy"], headers["Connection"] = POLICY, "close"
        return Response(HTTPStatus.OK, "OK", headers, body)

    def _talk(self, client: ServerConnection) -> None:
        given = parse_qs(urlsplit(client.request.path).query).get("token", [""])[0]
        if given != self.token:
            client.close(WRONG_TOKEN, "The token is not the right one.")
            return
        self.clients.add(client)
        grid = {"n_azimuth": N_AZIMUTH, "elevations_deg": ELEVATIONS_DEG}
        hello = {"type": "hello", "version": "0.1.0", "title": "rt-render", "energy_grid": grid}
        told = None
        try:
            for number in range(10**9):
                if told is not self.controls:
                    told = self.controls
                    client.send(json.dumps(hello | {"controls": told}))
                client.send(json.dumps(self._pose(number)))
                if number % 6 == 0:
                    client.send(json.dumps(self._state()))
                self._listen_for(client, 1 / 30)
        except ConnectionClosed:
            pass
        finally:
            self.clients.discard(client)

    def _listen_for(self, client: ServerConnection, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                message = json.loads(client.recv(left_s))
            except TimeoutError:
                return
            name, value = message["name"], message["value"]
            why = self.refusals.get(name)
            answer = {"type": "refused", "why": why} if why else {"type": "done"}
            if not why:
                self.asked.append((name, value))
                self.values[name] = value
                self.head_deg = (0.0, 0.0, 0.0) if name == "recentre" else self.head_deg
            client.send(json.dumps(answer | {"id": message["id"]}))
            client.send(json.dumps(self._state()))

    def _pose(self, number: int) -> dict:
        t = time.monotonic() - self._start_s
        yaw, pitch, roll = map(math.radians, self.head_deg) if self.still else moving(t)
        beat = -18 + 5 * math.sin(2.1 * t) * math.sin(5.3 * t)
        levels = {"rms_db": [beat - 2, beat - 6], "peak_db": [beat + 9, beat + 4]}
        if self.values["compare_blind"]:
            levels = {name: [sum(each) / 2] for name, each in levels.items()}
        pose = {"type": "pose", "q": quaternion(yaw, pitch, roll), "t": t, "levels": levels, "age_ms": self.age_ms}
        return pose | {"energy": energy_db(self.sources or sources_at(t)) if number % 3 == 0 else None}

    def _state(self) -> dict:
        t = time.monotonic() - self._start_s
        blind = self.values["compare_blind"]
        slots = [{"name": letter, "about": ""} for letter in "ABCD"] if blind else SLOTS
        return {
            "type": "state",
            "values": self.values,
            "tracking": self.values["tracking"],
            "closed": [one["name"] for one in CONTROLS if one["setup"] and blind],
            "playing_title": "Forest at dawn",
            "next_title": "String quartet, close",
            "items": ["A walk round the head", "Rain on leaves", "Forest at dawn", "String quartet, close"],
            "head": self.values["head"],
            "order": {"rendered": int(self.values["order"]), "highest": int(self.values["order"])},
            "position_s": 83.0 + t,
            "length_s": self.length_s,
            "lap": 2,
            "tracker": {
                "state": self.tracker_state,
                "text": "BNO085 on USB: 200 poses/s, 4 ms old, drift 0.2 °/min",
                "rate_hz": 200.0,
                "battery": 0.83,
            },
            "card": {"text": "system, JACK, 48 kHz"},
            "budget": BUDGET if self.values["tracking"] else None,
            "no_budget": None if self.values["tracking"] else "tracking is off: the sound turns with the head",
            "block": {
                "late": len(self.glitches),
                "missed": 0,
                "underruns": 0,
                "disturbed_s": self.glitches[-1]["age_s"] if self.glitches else None,
                "p999_us": 412,
                "budget_us": 2667,
            },
            "glitches": self.glitches,
            "messages": self.messages,
            "compare": {"slots": slots, "active": self.values["compare"], "blind": blind},
            "visit": {"number": 12, "since_s": 190.0 + t} if self.somebody else None,
            "resting": self.resting,
        }


def moving(t: float) -> tuple[float, float, float]:
    return 0.6 * math.sin(0.5 * t + 0.6), 0.22 * math.sin(0.37 * t + 1), 0.1 * math.sin(0.29 * t)


def quaternion(yaw: float, pitch: float, roll: float) -> list[float]:
    """Return world from head as [w, x, y, z]; yaw + left, pitch + up, roll + right ear down."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a / 2), math.sin(a / 2)) for a in (yaw, -pitch, roll))
    return [
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ]


def sources_at(t: float) -> list[tuple[float, float, float]]:
    return [(0.7, 0.1, 1.0), (-0.9 + 0.2 * math.sin(0.3 * t), 0.5, 0.6), (2.5 + 0.1 * t, 0.0, 0.35)]


def energy_db(sources: list[tuple[float, float, float]]) -> list[float]:
    """Return the level in dB of (azimuth, elevation, power): rows from below up, each from the front to the left."""
    levels = []
    for elevation in map(math.radians, ELEVATIONS_DEG):
        for azimuth in (2 * math.pi * i / N_AZIMUTH for i in range(N_AZIMUTH)):
            power = 1e-3
            for a, e, strength in sources:
                near = math.sin(e) * math.sin(elevation) + math.cos(e) * math.cos(elevation) * math.cos(a - azimuth)
                power += strength * (0.5 + 0.5 * near) ** 14
            levels.append(round(10 * math.log10(power) - 20, 1))
    return levels


if __name__ == "__main__":
    renderer = FakeRenderer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8765)
    sys.stdout.write(f"{renderer.url}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)
