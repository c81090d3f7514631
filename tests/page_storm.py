"""HTTP and WebSocket messages that no honest page sends: none of them may change anything that it may not.

`python tests/page_storm.py --messages 100000` sends them to a page's server, with an honest client beside them, and
prints what became of them, how much memory it took, and whether that is as it must be; if not, it ends with status 1.
"""

import argparse
import json
import random
import socket
import sys
import time
from collections import Counter
from contextlib import closing

from osc_storm import memory_kb
from page_tools import ask, next_of, served

TOKEN = "the-right-token"
SET = '{"type":"set","name":"muted","value":true,"id":1}'
MUTE = json.loads(SET)
PER_CONNECTION = 50
"""WebSocket messages that a vandal with the token sends before it comes again."""


def junk(chance, host):
    return chance.randbytes(chance.choice([0, 1, 4, 48, 500, 20_000]))


def cut(chance, host):
    whole = upgrade(host, f"/ws?token={TOKEN}")
    return whole[: chance.randrange(len(whole) - 1)]


def wrong_method(chance, host):
    method = chance.choice(["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "BREW", "get", "PRI"])
    body = chance.choice(
        ["", "Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"]
    )
    return f"{method} / HTTP/1.1\r\nHost: {host}\r\n{body}\r\n\r\n".encode()


def wrong_path(chance, host):
    path = chance.choice(
        [
            *("/../../etc/passwd", "/static/../../settings.py", "/static/%2e%2e/server.py", "/static/..%5cserver.py"),
            *("//etc/passwd", "/static/index.html%00", "/ws/../static", "*", "http://evil.example/", "/" + "a" * 8000),
            *("/?token=" + "x" * 5000, "/static/\x7f", "/static/" + "../" * 500),
        ]
    )
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")


def wrong_host(chance, host):
    wrong = chance.choice(["evil.example", "", "127.0.0.1.evil.example", "[", "a" * 3000, f"{host}\r\nHost: {host}"])
    return upgrade(wrong, f"/ws?token={TOKEN}")


def wrong_origin(chance, host):
    wrong = chance.choice(["http://evil.example", "null", "file://", "http://127.0.0.1:1", "\u00ff", ""])
    return upgrade(host, f"/ws?token={TOKEN}", f"Origin: {wrong}\r\n")


def wrong_token(chance, host):
    token = chance.choice(["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "%ff", "x" * 3000])
    return upgrade(host, f"/ws?token={token}") + frame(chance, SET.encode())


def wrong_upgrade(chance, host):
    wrong = chance.choice(
        [("Version: 13", "Version: 99"), ("Key: dGhl", "Key: "), ("websocket", "h2c"), ("GET", "POST")]
    )
    return upgrade(host, f"/ws?token={TOKEN}").replace(wrong[0].encode(), wrong[1].encode())


def many_headers(chance, host):
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n{'X-Y: z' * chance.choice([1, 3000])}\r\n".encode() + b"A: b\r\n" * 400


def split_headers(chance, host):
    return f"GET / HTTP/1.1\r\n Host: {host}\r\nA\r\n\tb: c\r\n: \r\n\0: \x01\r\n\r\n".encode()


def wrong_frame(chance, host):
    wrong = [
        *(b"\x81\x05hello", b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x80\x80\0\0\0\0", b"\x09\x80\0\0\0\0"),
        *(b"\x81\xff" + b"\xff" * 12, b"\x81\xff\x7f" + b"\xff" * 11, b"\x89\xfe\x01\0" + bytes(260)),
        *(b"\x88\x81\0\0\0\0x", b"\x88\x82\0\0\0\0\xff\xff", b"\x81\x82\0\0\0\0\xff\xfe", chance.randbytes(64)),
    ]
    return upgrade(host, f"/ws?token={TOKEN}") + chance.choice(wrong)


REQUESTS = (
    *(junk, cut, wrong_method, wrong_path, wrong_host, wrong_origin, wrong_token, wrong_upgrade, many_headers),
    *(split_headers, wrong_frame),
)

MAX_GROWTH_KB = 8_000
"""From a twentieth of the storm, by which the server has seen everything, to its end."""

UNFINISHED = (junk, cut, split_headers, many_headers, wrong_method)
"""To these the server may wait for more, for as long as it waits at all."""


def upgrade(host, path, more=""):
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(chance, data):
    mask = chance.randbytes(4)
    return bytes([0x81, 0x80 | len(data)]) + mask + bytes(one ^ mask[i % 4] for i, one in enumerate(data))


def wrong_message(chance):
    """Return a message that a client with the token sends and that may do nothing."""
    wrong = {
        "text": lambda: "".join(chance.choices('{}[]":,\\aé0\u2028', k=chance.choice([0, 1, 20, 1000]))),
        "binary": lambda: chance.randbytes(chance.choice([0, 1, 100, 4000])),
        "deep": lambda: chance.choice(["[", '{"a":']) * 700,
        "digits": lambda: json.dumps(MUTE).replace("true", "9" * chance.choice([2, 300, 3900])),
        "unknown": lambda: json.dumps({**MUTE, "name": chance.choice(["", "x" * 3000, "__class__", "set", "../x"])}),
        "value": lambda: json.dumps({**MUTE, "value": chance.choice([[], {}, "yes", 2, -1, 1e308, "a" * 3000])}),
        "range": lambda: json.dumps({**MUTE, "name": "gain_db", "value": chance.choice([24.01, -61, 1e30, "0", None])}),
        "not finite": lambda: SET.replace("true", chance.choice(["NaN", "Infinity", "-Infinity", "1e999"])),
        "id": lambda: json.dumps({**MUTE, "id": chance.choice([None, "1", True, 1.5, 2**70, [1]])}),
        "type": lambda: json.dumps({**MUTE, "type": chance.choice(["get", None, 1, [], "SET"])}),
        "choice": lambda: json.dumps({**MUTE, "name": "prediction", "value": chance.choice(["", "Off", 1, "learnt "])}),
    }
    return chance.choice(list(wrong.values()))()


def send_request(chance, port, counts):
    """Send one hostile request; count what came back, by its status, or that nothing did."""
    kind = chance.choice(REQUESTS)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5.0)) as sender:
        try:
            sender.sendall(kind(chance, f"127.0.0.1:{port}"))
            if kind in UNFINISHED:
                sender.shutdown(socket.SHUT_WR)
            answer = sender.recv(4096)
        except OSError:
            answer = b""
    counts[f"http {answer[9:12].decode('latin-1') or 'nothing'}"] += 1


def send_messages(chance, page, counts, n):
    """Send hostile messages as a client that has the token."""
    with page.client(f"?token={TOKEN}") as vandal:
        for _ in range(n):
            vandal.send(wrong_message(chance))
            counts["ws sent"] += 1
        while counts["ws answered"] < counts["ws sent"]:
            counts["ws answered"] += next_of(vandal, "refused") is not None


def storm(page, n_messages, on_progress=lambda n_sent: None, seed=1):
    """Send a storm to a served page, half of it requests, half messages; return what became of them."""
    chance, counts, n_sent = random.Random(seed), Counter(), 0
    with page.client(f"?token={TOKEN}") as honest:
        while n_sent < n_messages:
            n = min(PER_CONNECTION, n_messages - n_sent)
            for _ in range(n // 2):
                send_request(chance, page.port, counts)
            send_messages(chance, page, counts, n - n // 2)
            n_sent += n
            counts["honest"] += ask(honest, "gain_db", -1.0)["type"] == "done"
            on_progress(n_sent)
    return counts


def wrong_with(counts, asked, said, memory_by_part_kb, n_honest):
    """Return in words what a storm did that it must not; empty where all is right."""
    others = [one for one in asked if one[0] != "gain_db"]
    growth_kb = memory_by_part_kb[-1] - memory_by_part_kb[0]
    wrong = {
        f"{len(others)} changes by who may not": bool(others),
        f"{counts['honest']} of {n_honest} honest changes": counts["honest"] != n_honest,
        f"{len(asked) - len(others)} changes for {n_honest} honest wishes": len(asked) - len(others) != n_honest,
        f"{counts['ws answered']} of {counts['ws sent']} answered": counts["ws answered"] != counts["ws sent"],
        f"the page failed {len(said)} times": bool(said),
        f"memory grew by {growth_kb} kB, {MAX_GROWTH_KB} allowed": growth_kb > MAX_GROWTH_KB,
    }
    return [text for text, so in wrong.items() if so]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    n_messages = parser.parse_args().messages
    memory = []
    with served(token=TOKEN) as page:

        def tell(n_sent):
            if len(memory) < 20 * n_sent // n_messages:
                memory.append(memory_kb())
                print(f"\r{100 * n_sent // n_messages:3d} %", end="", file=sys.stderr, flush=True)

        begin_s = time.monotonic()
        counts = storm(page, n_messages, tell)
        spent_s = time.monotonic() - begin_s
    print(file=sys.stderr)
    print(f"{n_messages} hostile messages in {spent_s:.0f} s: {dict(sorted(counts.items()))}")
    others = [one for one in page.desk.asked if one[0] != "gain_db"]
    print(f"done for the honest client: {len(page.desk.asked) - len(others)}; for others: {len(others)}")
    print(f"the page failed {len(page.said)} times; memory in kB: {' '.join(map(str, memory))}")
    wrong = wrong_with(counts, page.desk.asked, page.said, memory, -(-n_messages // PER_CONNECTION))
    print(f"MISSED: {'; '.join(wrong)}" if wrong else "ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
