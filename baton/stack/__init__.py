"""The embedded stack: a broker, a schema registry, a database and the services under one supervisor."""
