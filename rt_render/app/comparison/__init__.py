"""A/B: versions of the same sound, equally loud, between which one changes without a click, and blindly if wished."""
