"""HRIR sets, heads, decoder design and its judge: exact, float64, off the audio thread."""
