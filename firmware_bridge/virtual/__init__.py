"""Wearables made of nothing: heads that move, sensors on them, and devices that speak."""
