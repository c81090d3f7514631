"""Adapters: one third-party library each, for sound cards, files and screens."""
