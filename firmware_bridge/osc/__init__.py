"""OSC: what other programs mean by it, in and out."""
