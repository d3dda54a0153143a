"""Check a running deployment against its promise: what was accepted exists once, and tables and topics agree."""
