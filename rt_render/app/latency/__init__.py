"""From a movement to its sound, measured with nothing assumed, beside what the program itself claims."""
