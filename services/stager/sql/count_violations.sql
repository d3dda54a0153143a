SELECT count(*) FROM stager.invariant_violations
