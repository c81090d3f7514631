"""Records what PortAudio plays into a JACK server; a process of its own, told what to do by lines.

`connect` connects the player's ports, `stop` writes FILE.npz: `blocks` (n, period, 2) float32, `frames` (n,) the
server's frame time of each, `times` (n,) the monotonic time at which it came, in seconds, `xruns`.
"""

import sys
import time

import jack
import numpy as np


def main(file: str, server: str, seconds: float) -> None:
    client = jack.Client("recorder", servername=server, no_start_server=True)
    ears = [client.inports.register(name) for name in ("left", "right")]
    n_blocks = int(seconds * client.samplerate / client.blocksize)
    blocks = np.zeros((n_blocks, client.blocksize, 2), np.float32)
    frames = np.zeros(n_blocks, np.int64)
    times = np.zeros(n_blocks)
    count = {"blocks": 0, "xruns": 0}

    @client.set_process_callback
    def process(n_frames):
        i = count["blocks"]
        if i < n_blocks:
            for ear, port in enumerate(ears):
                blocks[i, :, ear] = port.get_array()
            frames[i] = client.last_frame_time
            times[i] = time.monotonic()
            count["blocks"] = i + 1

    @client.set_xrun_callback
    def xrun(delayed_us):
        count["xruns"] += 1

    with client:
        print("ready", flush=True)
        for line in sys.stdin:
            if line.strip() == "connect":
                played = client.get_ports("PortAudio.*", is_output=True, is_audio=True)
                for source, ear in zip(played, ears, strict=True):
                    client.connect(source, ear)
                count["xruns"] = 0
                print("connected", flush=True)
            else:
                break
    n = count["blocks"]
    np.savez(file, blocks=blocks[:n], frames=frames[:n], times=times[:n], xruns=count["xruns"])
    print("written", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
