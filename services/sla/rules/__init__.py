"""Pure decisions of the SLA service; instants are arguments."""
