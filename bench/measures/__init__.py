"""One module per measure; each has ``measure(*, quick: bool) -> Result``."""
