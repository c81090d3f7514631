"""Sound fields made of numbers: the built-in scene and test signals, at any order and rate."""
