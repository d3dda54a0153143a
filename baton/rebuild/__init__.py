"""Fill an empty database from the topics: the same pipelines, the same inputs, in the order that the topics tell."""
