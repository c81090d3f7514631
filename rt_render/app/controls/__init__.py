"""All that can be changed while it sounds: one table, from which keys, OSC, the page and the documentation are made."""
