"""Relays on loopback that know where messages begin and end, and can lose, delay and forge them."""
