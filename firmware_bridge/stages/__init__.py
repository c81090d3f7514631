"""From a message to a trusted pose, one step a file; no input or output here."""
