"""Readers of foreign formats: each turns bytes into fields as written, files found inside, and troubles."""
