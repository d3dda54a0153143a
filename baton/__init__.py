"""What a person runs: the `baton` command and the embedded stack."""
