"""The network that is played, as its directory lists it."""

NETWORK = "riverside"
CLINICS = ("harbor", "hill", "lake")
#: who works the queues of a team
TEAMS = {
    "intake": "ivy",
    "eligibility": "eli",
    "documentation": "dora",
    "clinical_review": "cleo",
    "scheduling": "sam",
}
SUPERVISOR = "sue"
SUPERVISOR_QUEUES = tuple(f"{NETWORK}.{clinic}.supervisor" for clinic in CLINICS)
