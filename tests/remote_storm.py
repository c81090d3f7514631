"""Messages to the remote control that must change nothing: damaged, out of range, or from who did not say the token.

`python tests/remote_storm.py --packets 100000` sends them to a session that plays, with an honest program beside them
whose changes all arrive, and prints what became of them, how much memory it took, and whether
all is as it must be: else its status is 1.
"""

import argparse
import random
import socket
import sys
import time
from threading import Lock

from osc_storm import bundle, hostile_packets, memory_kb, message
from udp_tools import free_port

from rt_render.app.controls.table import CONTROLS
from rt_render.app.session import Session
from rt_render.app.settings_file import load_settings

TOKEN = "a-token-nobody-guesses"
MAX_GROWTH_KB = 8_000
QUICK = {"device": "virtual", "tracker": "none", "method": "ls", "head": "sphere", "taps": 64, "order": 1}
STRANGERS = [(f"10.0.{n}.7", 5000 + n) for n in range(50)]
ADDRESSES = [f"/rt/{control.name}" for control in CONTROLS]
NOT_FINITE = (float("nan"), float("inf"), -float("inf"))


def out_of_range(chance):
    """A control with a value that it does not take."""
    numbers = [c for c in CONTROLS if c.kind == "number"]
    control = chance.choice(numbers)
    wrong = [*NOT_FINITE, -1e30, -(10.0 ** chance.uniform(2, 300))]
    return message(f"/rt/{control.name}", "d", chance.choice(wrong))


def wrong_kind(chance):
    control = chance.choice([c for c in CONTROLS if c.kind != "action"])
    return message(
        f"/rt/{control.name}", "s", chance.choice(["../../etc/passwd", "\x1b[2J", "NaN", "'; drop", "x" * 900])
    )


def too_many(chance):
    n = chance.choice([2, 3, 50, 200])
    return message(chance.choice(ADDRESSES), "i" * n, *[1] * n)


def strange_place(chance):
    place = chance.choice([("192.0.2.1", 9000), ("localhost.example", 1), ("127.0.0.1", 0), ("127.0.0.1", 70000)])
    return message(chance.choice(["/subscribe", "/unsubscribe"]), "si", *place)


def nearly(chance):
    name = chance.choice(CONTROLS).name
    wrong = [
        f"/rt/{name}/",
        f"/RT/{name}",
        f"/rt//{name}",
        f"/rt/{name.upper()}",
        "/rt/*",
        "/rt/set_gain_db",
        "/rt/",
        "//rt",
    ]
    return message(chance.choice(wrong), "i", 1)


def silent_button(chance):
    return message(f"/rt/{chance.choice(['next', 'previous', 'recentre'])}", "i", 0)


def wrong_token(chance):
    return message("/token", "s", chance.choice(["", "a", TOKEN[:-1], TOKEN + "x", TOKEN.upper()]))


def in_a_bundle(chance):
    return bundle(*[chance.choice(LOCAL_KINDS[:5])(chance) for _ in range(chance.randrange(1, 12))])


LOCAL_KINDS = [out_of_range, wrong_kind, too_many, strange_place, nearly, silent_button, wrong_token, in_a_bundle]


def of_this_machine(n, seed=1):
    """Yield packets that change nothing whoever sends them: half of them are no control's at all."""
    chance, others = random.Random(seed), hostile_packets(n, seed)
    for _ in range(n):
        yield next(others)[1] if chance.random() < 0.5 else chance.choice(LOCAL_KINDS)(chance)


def of_strangers(n, seed=1):
    """Yield (packet, place): what would change something, from other machines that do not know the token."""
    chance = random.Random(seed)
    for _ in range(n):
        real = [
            message("/rt/gain_db", "f", chance.uniform(-60, 24)),
            message("/rt/muted", "i", 1),
            message("/rt/order", "i", 0),
            message("/subscribe", "i", 9000),
            message("/state", ""),
            bundle(wrong_token(chance), message("/rt/playing", "i", 0)),
        ]
        yield chance.choice(real), chance.choice(STRANGERS)


def standing(session):
    """What no packet may change: all controls but the position, and who is told of changes."""
    values = session.desk.state()["values"]
    return {name: value for name, value in values.items() if name != "position_s"}


def take_turns(remote):
    """Let the remote's own thread and this one take packets one after another: it is made for one thread."""
    lock, take = Lock(), remote.take

    def take_alone(packet, *place):
        with lock:
            take(packet, *place)

    remote.take = take_alone


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=100_000)
    n_packets = parser.parse_args().packets
    said, port = [], free_port()
    settings = load_settings(None, {**QUICK, "remote_port": port, "remote_token": TOKEN})
    n_arrived = n_honest = 0
    with Session(settings, on_message=said.append) as session, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        take_turns(session.remote)
        session.desk.work(session)
        before, memory, begin_s = standing(session), [memory_kb()], time.monotonic()
        strangers = of_strangers(n_packets)
        for n_sent, packet in enumerate(of_this_machine(n_packets), start=1):
            out.send(packet[:9000])
            stranger, place = next(strangers)
            if n_sent % 2:
                session.remote.take(stranger, place)
            if n_sent % 20 == 0:
                time.sleep(0.004)
                session.desk.work(session)
                changed = {k: (v, before[k]) for k, v in standing(session).items() if v != before[k]}
                if changed:
                    print(f"\nMISSED: after {n_sent} packets this changed, to and from: {changed}")
                    return 1
            if n_sent % 2000 == 0:
                n_honest += 1
                before["gain_db"] = float(-(n_honest % 50))
                give_up_s = time.monotonic() + 5.0
                while session.gain_db != before["gain_db"] and time.monotonic() < give_up_s:
                    out.send(message("/rt/gain_db", "f", before["gain_db"]))
                    time.sleep(0.01)
                    session.desk.work(session)
                n_arrived += session.gain_db == before["gain_db"]
            if n_sent % max(1, n_packets // 20) == 0:
                memory.append(memory_kb())
                print(f"\r{100 * n_sent // n_packets:3d} %", end="", file=sys.stderr, flush=True)
        spent_s, counts, status = time.monotonic() - begin_s, session.remote.counts, session.status()
    print(file=sys.stderr)
    print(f"{n_packets} packets of this machine and {n_packets // 2} of strangers in {spent_s:.1f} s; nothing changed")
    print(f"honest changes: {n_arrived} of {n_honest} arrived")
    print(f"{counts}; {len(said)} sentences")
    print(f"late blocks: {status.engine.late_blocks} of {status.engine.blocks}, underruns {status.engine.underruns}")
    growth_kb = memory[-1] - memory[1]
    print(f"memory in kB, every twentieth: {' '.join(map(str, memory))}")
    ok = n_arrived == n_honest and growth_kb <= MAX_GROWTH_KB
    print("ok" if ok else f"MISSED: {MAX_GROWTH_KB} kB of growth allowed after the first twentieth, all honest changes")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
