"""Instance supervision: the parts, the figures of every package, what needs a person."""
