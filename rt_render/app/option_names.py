"""What settings are called on the command line."""

_OPTIONS = {
    "fs_hz": "--rate",
    "block_size": "--block",
    "gain_db": "--gain",
    "ceiling_db": "--ceiling",
    "input": "INPUT",
    "further": "INPUT",
    "panorama_width_deg": "--panorama-width",
    "process": "--tracker-thread",
}
"""Those that have another name there than their own."""


def option_of(key: str) -> str:
    """Return the option that sets a setting, such as "--rate" of "fs_hz"."""
    return _OPTIONS.get(key, "--" + key.replace("_", "-"))
