"""The contract of Baton: topics, events, their Avro schemas and the codec; it opens no connection."""
