"""Instance supervision: the parts, the figures, what needs a person."""
