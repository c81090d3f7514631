"""Native kernels: numba, float32, explicit vectors. No allocation, no lock, no raise, no Python object.

Functions ending in `_rt` run on the audio thread. They take byte addresses of buffers that `engine` has
prepared, outputs first, then state, then inputs; nothing is checked here, the plan is right by construction.
"""
