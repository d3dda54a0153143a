"""Pure decisions of the courier; instants are arguments."""
