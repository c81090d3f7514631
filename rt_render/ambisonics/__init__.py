"""Exact ambisonics in float64: harmonics, norms, encoding, rotation. May allocate; no numba, no devices."""
