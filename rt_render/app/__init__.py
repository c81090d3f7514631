"""Configuration, composition and words for people: the command line and the public functions behind it."""
