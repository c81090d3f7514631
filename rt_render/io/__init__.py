"""Adapters: one third-party library or device kind each."""
