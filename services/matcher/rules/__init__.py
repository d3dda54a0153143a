"""Pure decisions of the matcher: who could be the same patient, who surely is, and what came twice."""
