"""Benchmark figures as text: each beside what is required of it."""

from typing import Any

from rt_render.app.benchmarks.booth_soak import booth_soak_in_words
from rt_render.app.benchmarks.duplex_words import duplex_in_words
from rt_render.app.benchmarks.page import page_in_words

PREDICTION_REQUIRED = {
    "rms_20ms_100hz_deg": "natural motion with noise, 100 Hz, 20 ms, RMS in degrees",
    "rms_50ms_100hz_deg": "the same at 50 ms",
    "rest_excess_deg": "at rest, RMS above that without, in degrees",
    "reversal_ratio": "movements that turn back, worst ratio",
    "lag_ratio": "sensors that lag, worst ratio",
}
"""What is required of the prediction, by the names of `prediction.REQUIRED`."""


def in_words(results: dict[str, Any]) -> str:
    """Return a paragraph for each part that was measured."""
    parts = [
        text(results)
        for key, text in (
            ("speed", _speed),
            ("lock_immunity", _lock_immunity),
            ("algorithmic_latency_frames", _latency),
            ("rotation_error_db", _rotation),
            ("accuracy", _accuracy),
            ("layouts", _layouts),
            ("objects", _objects),
            ("start_s", _start),
            ("tracker", _tracker),
            ("prediction", _prediction),
            ("panorama", _panorama),
            ("soak", _soak),
            ("duplex", lambda results: duplex_in_words(results["duplex"])),
            ("page", lambda results: page_in_words(results["page"])),
            ("booth_soak", lambda results: booth_soak_in_words(results["booth_soak"])),
        )
        if key in results
    ]
    return "\n\n".join(parts)


def _mark(value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"(required {limit:g}) ok" if value <= limit else f"(required {limit:g}) MISSED"


def _layouts(results: dict[str, Any]) -> str:
    lines = ["Layouts: worst speaker of each, against KEMAR as measured; energy from the faintest to the loudest"]
    for name, orders in results["layouts"].items():
        for order, r in orders.items():
            required = results["layouts_required"].get(order, {})
            itd, ild, energy = (
                f"{text} {_mark(r[key], required.get(key))}".rstrip()
                for key, text in (
                    ("itd_us", f"{r['itd_us']:4.1f} us"),
                    ("ild_db", f"{r['ild_db']:.2f} dB"),
                    ("energy_db", f"{r['energy_db']:.2f} dB"),
                )
            )
            lines.append(
                f"  {name:<7} order {order}: between the ears {itd}, {ild}; heard from {r['direction_deg']:4.1f}° "
                f"beside it; energy {energy}"
            )
    return "\n".join(lines)


def _objects(results: dict[str, Any]) -> str:
    r, jump = results["objects"], results["objects"]["jump"]
    lines = ["Objects: moving, into order 7 in blocks of 128; what they cost over what the decoder's block takes"]
    for row in r["speed"]:
        limit = r["required_ratio"] if row["n_objects"] == 64 else None
        lines.append(
            f"  {row['n_objects']:2d}: {row['whole_us']:6.2f} us with, {row['decoder_us']:6.2f} us without = "
            f"{row['ratio']:.2f} {_mark(row['ratio'], limit)}"
        )
    lines.append(
        f"  a tone that jumps by 90° leaves {jump['glide_outside_db']:g} dB beyond ±{jump['band_hz']:g} Hz of itself, "
        f"switched abruptly {jump['abrupt_outside_db']:g} dB"
    )
    return "\n".join(lines)


def _speed(results: dict[str, Any]) -> str:
    lines = ["Speed: a whole block, turning at 600 °/s, over scipy.fft.rfft of (channels, 2 block) float32"]
    for r in results["speed"]:
        lines.append(
            f"  order {r['order']}  {r['block_size']:4d} frames  {r['head']:<10}  {r['block_us']:6.2f} us / "
            f"{r['scipy_rfft_us']:6.2f} us = {r['ratio']:.2f} {_mark(r['ratio'], r['required_ratio'])}"
            f"   99.9 % {r['p999_us']:.1f} us"
        )
    taps = ", ".join(f"{r['n_taps']} taps {r['block_us']:.2f} us" for r in results["speed_by_taps"])
    lines.append(f"  order 3, 128 frames: {taps}")
    lowered = ", ".join(f"as {order} {us:.2f} us" for order, us in results["speed_lowered_us"].items())
    lines.append(f"  order 5, 128 frames: {lowered}")
    silence = ", ".join(f"{name} {value:.2f}" for name, value in results["silence_over_sound"].items())
    lines.append(f"  time over that of sound: {silence}")
    return "\n".join(lines)


def _lock_immunity(results: dict[str, Any]) -> str:
    r = results["lock_immunity"]
    return (
        "Lock immunity: missed blocks in alternating windows of 2 s at 48 kHz / 128\n"
        f"  native callback: idle {r['idle_missed']}, lock held {r['held_missed']} "
        f"{_mark(r['held_missed'], r['idle_missed'] + 3)}\n"
        f"  the same block function from Python: idle {r['python_callback_idle_missed']}, "
        f"lock held {r['python_callback_missed']}\n"
        f"  {r['priority']}; load {r['load_before']} before, {r['load_after']} after"
    )


def _latency(results: dict[str, Any]) -> str:
    return (
        f"Latency of the algorithm: {results['algorithmic_latency_frames']} frames beyond the block "
        f"{_mark(results['algorithmic_latency_frames'], 0)}; error against direct convolution "
        f"{results['convolution_error']:.1e} of the peak"
    )


def _rotation(results: dict[str, Any]) -> str:
    reversal = max(results["rotation_reversal_by_block_db"].values())
    return (
        "Rotation: error over ideal, order 7, 600 °/s, worst of 21 turns at block sizes 32 to 2048: "
        f"{results['rotation_error_db']} dB {_mark(results['rotation_error_db'], -80)}; "
        f"reversal at 3000 °/s²: {reversal} dB"
    )


def _accuracy(results: dict[str, Any]) -> str:
    lines = ["Accuracy of the default head, over all its measured directions, as the engine renders it"]
    for r in results["accuracy"]:
        required = r["required"] or {}
        figures = "  ".join(
            f"{label} {r[key]:6.2f} {unit} {_mark(r[key], required.get(key))}"
            for label, key, unit in (("ITD", "itd_us", "us"), ("ILD", "ild_db", "dB"), ("LSD", "lsd_erb_db", "dB"))
        )
        lines.append(f"  order {r['order']}  {figures}")
    return "\n".join(lines)


def _start(results: dict[str, Any]) -> str:
    return (
        f"Start: first block {results['start_s']:.2f} s after the command, warm "
        f"{_mark(results['start_s'], results['start_allowed_s'])}; "
        f"`import numba, scipy` alone {results['import_numba_scipy_s']:.2f} s"
    )


def _tracker(results: dict[str, Any]) -> str:
    r = results["tracker"]
    lines = [
        f"Tracker: HBF-1 at {r['rate_hz']:g} Hz for {r['seconds']:g} s on a pseudo-terminal, from the write to the "
        "audio thread, beside a busy asyncio loop and a thread that holds the interpreter lock"
    ]
    for process, name in (("own", "own process"), ("thread", "thread")):
        m, limits = r[process], r["required"] if process == "own" else {}
        lines.append(
            f"  {name:<11}  {m['lost']} of {m['frames']} frames lost {_mark(m['lost'], limits.get('lost'))}  "
            f"median {m['p50_ms']:.2f} ms {_mark(m['p50_ms'], limits.get('p50_ms'))}  "
            f"99 % {m['p99_ms']:.2f} ms {_mark(m['p99_ms'], limits.get('p99_ms'))}  "
            f"99.9 % {m['p99.9_ms']:.2f} ms  longest {m['max_ms']:.1f} ms  "
            f"{'in order' if m['in_order'] else 'NOT IN ORDER'}"
            f"{'' if m['min_ms'] >= 0.0 else ', NEGATIVE TIMES'}{'' if m['ok'] else ': NOT OK'}; "
            f"load {m['load_before']} before"
        )
    return "\n".join(lines)


def _prediction(results: dict[str, Any]) -> str:
    r = results["prediction"]
    speed, reached, required = r["head_speed_deg_s"], r["reached"], r["required"]
    lines = [
        "Prediction: the rendered head against the true one when it is heard, degrees RMS, 95 % and worst, "
        "blocks of 128 at 48 kHz",
        f"  natural motion of {speed['median']} °/s in the median, {speed['p99']} at 99 %, {speed['max']} at most; "
        "horizon from a block's begin to its first sample's being heard",
    ]
    for row in r["table"]:
        figures = "   ".join(
            f"{mode} {row[mode]['rms_deg']:6.2f} {row[mode]['p95_deg']:6.2f} {row[mode]['worst_deg']:6.1f}"
            for mode in ("off", "constant", "learnt")
        )
        lines.append(f"  {row['motion']:<24}{row['rate_hz']:4.0f} Hz {row['horizon_ms']:4.0f} ms   {figures}")
    lines.append("  movements that turn back, the largest RMS with prediction over that without:")
    for row in r["reversal_ratios"]:
        lines.append(
            f"  {row['rate_hz']:28.0f} Hz {row['horizon_ms']:4.0f} ms   "
            f"constant {row['constant']:.2f}   learnt {row['learnt']:.2f}"
        )
    lines += [
        f"  {text}: {reached[key]:g} {_mark(reached[key], required[key])}" for key, text in PREDICTION_REQUIRED.items()
    ]
    return "\n".join(lines)


def _panorama(results: dict[str, Any]) -> str:
    r = results["panorama"]
    lines = ["Panorama: stereo into a field at 48 kHz, on one core, times faster than it plays"]
    for order, times in r["speed_by_order"].items():
        required = r["required"].get(order)
        mark = f" (required {required:g}) {'ok' if times >= required else 'MISSED'}" if required else ""
        lines.append(f"  order {order}  {times:6.1f} ×{mark}")
    return "\n".join(lines)


def _soak(results: dict[str, Any]) -> str:
    r = results["soak"]
    most, least, memory, log = r["required"]["at_most"], r["required"]["at_least"], r["memory_mb"], r["log"]
    glitches, block = r["glitches"], r["block_time"]
    causes = ", ".join(f"{name} {n}" for name, n in glitches["causes"].items()) or "none"
    share, least_share = r["poses_heard_share"], least["poses_heard_share"]
    lost = ", ".join(
        f"{r[name]} {what} {_mark(r[name], most[name])}"
        for name, what in (
            ("capture_lost", "frames unrecorded"),
            ("trace_lost", "rows"),
            ("events_lost", "events"),
            ("unseen_frames", "frames unseen"),
        )
    )
    lines = [
        f"Soak: order {r['order']}, 48 kHz, blocks of 128, the virtual card, a wearable at 200 Hz, bridge and log, "
        f"for {r['minutes']:.3g} minutes",
        f"  {r['non_finite']} samples not finite {_mark(r['non_finite'], most['non_finite'])}; "
        f"{r['torn_reads']} torn reads of poses; {r['underruns']} underruns",
        f"  {100 * share:.1f} % of the poses heard (required {100 * least_share:g}) "
        f"{'ok' if share >= least_share else 'MISSED'}",
        f"  {r['late_blocks']} late blocks of {r['blocks']}, {r['unaccounted']} of them without time and cause "
        f"{_mark(r['unaccounted'], most['unaccounted'])}; causes: {causes}",
        f"  lost: {lost}",
        f"  a block takes {block['p50_us']:g} us in the median, 99.9 % below {block['p999_us']:g}, "
        f"{block['longest_us']:g} at most, of {block['budget_us']:g}",
        f"  log: {log['mb']:.1f} MiB, {log['blocks']} blocks, read to its end; {r['log_wrong']} things wrong in it "
        f"{_mark(r['log_wrong'], most['log_wrong'])}{''.join(f': {text}' for text in log['wrong'])}",
    ]
    if memory:
        lines.append(
            f"  memory {memory['begin']:.1f} MiB at the beginning, {memory['half']:.1f} half-way, "
            f"{memory['end']:.1f} at the end {_mark(r['memory_growth_mb'], most['memory_growth_mb'])}"
        )
    else:
        lines.append("  memory was not measured, for this system does not tell it: MISSED")
    lines.append("  all as required" if r["ok"] else f"  MISSED: {', '.join(r['missed'])}")
    return "\n".join(lines)
