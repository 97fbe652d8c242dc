"""Measurements of a whole installation, with peers beside it: ``make bench``."""
