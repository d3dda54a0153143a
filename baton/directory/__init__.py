"""Networks, clinics and staff as a file, and the way it gets into the database."""
