"""Sources of messages: a link and a dialect, whichever it turns out to be."""
