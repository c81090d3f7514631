"""How bytes come in: one library each."""
