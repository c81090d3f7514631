"""The commands of `firmware-bridge`."""
