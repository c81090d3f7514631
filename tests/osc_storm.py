"""Packets that no honest program sends: none of them may become a pose.

`python tests/osc_storm.py --packets 100000` sends them to a real OscSource over a socket, with an honest tracker
beside them, and prints what became of them and how much memory it took.
"""

import argparse
import math
import os
import random
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

from udp_tools import free_port

ADDRESSES = ("/ypr", "/yaw", "/quaternion", "/SceneRotator/quaternions")
N_NUMBERS = {"/ypr": 3, "/yaw": 1, "/quaternion": 4, "/SceneRotator/quaternions": 4}


def padded(text):
    data = (text if isinstance(text, bytes) else text.encode()) + b"\0"
    return data + bytes(-len(data) % 4)


def message(address, tags, *values):
    body = b""
    for tag, value in zip(tags, values, strict=True):
        body += padded(value) if tag in "sS" else struct.pack({"f": ">f", "d": ">d", "i": ">i", "h": ">q"}[tag], value)
    return padded(address) + padded("," + tags) + body


def pose(chance):
    """Return an honest packet."""
    return message("/ypr", "fff", *(chance.uniform(-80.0, 80.0) for _ in range(3)))


def bundle(*parts):
    return b"#bundle\0" + bytes(7) + b"\1" + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def cut(chance):
    packet = chance.choice(
        [pose(chance), message("/quaternion", "ffff", 1, 0, 0, 0), bundle(pose(chance), pose(chance))]
    )
    # A bundle that ends with its time tag or after its first message is whole.
    whole = (16, 48) if packet[:1] == b"#" else ()
    return packet[: chance.choice([n for n in range(len(packet)) if n not in whole])]


def nested(chance):
    packet = pose(chance)
    for _ in range(chance.choice([5, 6, 20, 100])):
        packet = bundle(packet)
    return packet


def wrong_size(chance):
    size = chance.choice([-1, -4, -(2**31), 2**31 - 1, 0, 1, 2, 3, 5, 4096])
    return b"#bundle\0" + bytes(8) + struct.pack(">i", size) + pose(chance)


def wrong_blob(chance):
    return padded("/ypr") + padded(",b") + struct.pack(">i", chance.choice([-1, -(2**31), 2**31 - 1, 64])) + bytes(8)


def wrong_tags(chance):
    tags = chance.choice(
        ["fsf", "sss", "TFN", "ff", "ffff", "fffffff", "f" * 300, "", "fff,", "xyz", "bbb", "[f", "IIN"]
    )
    return padded("/ypr") + padded("," + tags) + b"".join(struct.pack(">f", 1.0) for _ in tags)


def no_tags(chance):
    return padded(chance.choice(ADDRESSES)) + b"".join(struct.pack(">f", 1.0) for _ in range(3))


def not_finite(chance):
    address = chance.choice(ADDRESSES)
    n = N_NUMBERS[address]
    numbers = [chance.uniform(-1.0, 1.0) for _ in range(n)]
    numbers[chance.randrange(n)] = chance.choice([float("nan"), float("inf"), -float("inf")])
    return message(address, chance.choice("fd") * n, *numbers)


def absurd(chance):
    if chance.random() < 0.5:
        return message("/ypr", "ddd", *(chance.choice([-1, 1]) * 10 ** chance.uniform(2.6, 300) for _ in range(3)))
    return message("/quaternion", "dddd", *(chance.choice([0.0, 10 ** chance.uniform(0.1, 300)]) for _ in range(4)))


def whole_absurd(chance):
    return message("/ypr", "hhh", *(chance.choice([2**63 - 1, -(2**63), 10**6]) for _ in range(3)))


def huge(chance):
    return message("/ypr", "s", b"a" * chance.choice([4000, 4096, 20000]))


def long_address(chance):
    return message("/" + "a" * chance.choice([60, 500, 3000]), "fff", 1, 2, 3)


def not_ascii(chance):
    return padded(b"/\xff" + chance.randbytes(8).replace(b"\0", b"\xfe")) + padded(",fff") + bytes(12)


def unknown(chance):
    return message(chance.choice(["/", "//", "/ypr/", "/volume", "/*", "/yp?", "/{ypr,yaw}"]), "fff", 1, 2, 3)


def half_good(chance):
    # A pose before what is broken: of a packet that is broken nothing is taken.
    broken = chance.choice([b"/ypr", b"junk", pose(chance)[: chance.choice([12, 20, 24])]])
    return bundle(pose(chance), broken) + chance.choice([b"", b"\0\0"])


def junk(chance):
    return chance.randbytes(chance.choice([0, 1, 4, 48, 500, 2000]))


KINDS = (
    *(cut, nested, wrong_size, wrong_blob, wrong_tags, no_tags, not_finite, absurd, whole_absurd, huge),
    *(long_address, not_ascii, unknown, half_good, junk),
)


def hostile_packets(n, seed=1):
    """Yield (kind, packet)."""
    chance = random.Random(seed)
    for _ in range(n):
        kind = chance.choice(KINDS)
        yield kind.__name__, kind(chance)


def memory_kb():
    if not sys.platform.startswith("linux"):
        return 0
    pages = Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") // 1024


def over_a_socket(source, port, n_packets, on_progress=lambda n_sent: None):
    """Send a storm to a polled source; return (honest poses sent, those of them it gave, what else it gave).

    The honest tracker turns left by a thousandth of a degree a pose, so that its poses are known again.
    """
    n_given = n_others = n_honest = 0
    chance = random.Random(2)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as honest,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vandal,
    ):
        # Another host, where the system has one: a port of the same host may follow a tracker that pauses.
        with suppress(OSError):
            vandal.bind(("127.0.0.2", 0))
        for sender in (honest, vandal):
            sender.connect(("127.0.0.1", port))

        def hear(timeout_s):
            nonlocal n_given, n_others
            for one in source.poll(timeout_s):
                half_rad = 0.5 * math.radians(0.001 * n_given)
                expected = (math.cos(half_rad), 0.0, 0.0, math.sin(half_rad))
                is_next = math.dist(getattr(one.message, "quat_wxyz", ()) or (2.0, 0.0, 0.0, 0.0), expected) < 1e-6
                n_given += is_next
                n_others += not is_next

        def move():
            nonlocal n_honest
            hear(0.0)
            honest.send(message("/ypr", "fff", 0.001 * n_honest, 0.0, 0.0))
            n_honest += 1
            end_s = time.monotonic() + 5.0
            while n_given < n_honest and time.monotonic() < end_s:
                hear(0.05)

        move()
        move()
        for n_sent, (_, packet) in enumerate(hostile_packets(n_packets), start=1):
            # Half of it from another program, a valid pose now and then; half from the port of the tracker itself.
            sender = honest if chance.random() < 0.5 else vandal
            sender.send(pose(chance) if sender is vandal and chance.random() < 0.1 else packet)
            if n_sent % 4 == 0:
                # What is not read soon is lost in the system's buffer, honest or not.
                hear(0.0)
            if n_sent % 20 == 0:
                move()
                on_progress(n_sent)
        move()
    return n_honest, n_given, n_others


def main():
    from firmware_bridge.notices import Notices
    from firmware_bridge.osc.source import OscSource

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=100_000)
    n_packets = parser.parse_args().packets
    port = free_port()
    said = []
    source = OscSource("127.0.0.1", port, None, Notices(said.append))
    source.poll(0.0)
    memory, begin_s = [memory_kb()], time.monotonic()

    def tell(n_sent):
        if n_sent % max(20, n_packets // 400 * 20) == 0:
            memory.append(memory_kb())
            print(f"\r{100 * n_sent // n_packets:3d} %", end="", file=sys.stderr, flush=True)

    n_honest, n_given, n_others = over_a_socket(source, port, n_packets, tell)
    spent_s = time.monotonic() - begin_s
    print(file=sys.stderr)
    print(f"{n_packets} hostile packets over UDP in {spent_s:.1f} s, {n_honest} honest poses among them")
    print(f"poses: {n_given} of the tracker were given, and {n_others} of nobody")
    print(f"refused or not read: {source.health().dropped} ({source.health().counts})")
    print(f"sentences: {len(said)}, the last: {said[-1]}")
    print(f"memory in kB, every twentieth: {' '.join(map(str, memory))}")
    source.close()


if __name__ == "__main__":
    main()
