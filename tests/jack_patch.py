"""A JACK server's other clients, for tests: a player that is called as PortAudio's usually is, and a patch cord.

`python jack_patch.py [loop]`: `loop` leads what our PortAudio plays to what it records, past all converters. It says
"ready", and ends with its standard input.
"""

import sys
import threading
import time

import jack

DECOY, OURS = "PortAudio", "PortAudio-01"


def lead_back(client):
    """Connect our player's outputs to its inputs, and nothing else to these, as soon as all are there."""
    while True:
        played = client.get_ports(f"{OURS}:", is_output=True)
        heard = client.get_ports(f"{OURS}:", is_input=True)
        if len(played) == len(heard) == 2:
            for source, sink in zip(played, heard, strict=True):
                for other in client.get_all_connections(sink):
                    client.disconnect(other, sink)
                client.connect(source, sink)
            return
        time.sleep(0.02)


def main():
    client = jack.Client(DECOY, no_start_server=True)
    for name in ("left", "right"):
        client.outports.register(name)
    with client:
        if "loop" in sys.argv:
            threading.Thread(target=lead_back, args=(client,), daemon=True).start()
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
