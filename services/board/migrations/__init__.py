"""What people may see, in the order in which it was decided."""
