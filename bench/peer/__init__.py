"""Peers that are measured beside us, each in processes and a database of its own."""
