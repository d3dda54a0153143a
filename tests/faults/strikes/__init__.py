"""The faults: each strikes a running campaign and returns when it is over."""
