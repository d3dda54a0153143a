"""Read the requested specialty; only words of this list leave intake, since the specialty stands on public topics."""

import re
from functools import lru_cache

_SYNONYMS: dict[str, str] = {
    "allergy": "allergy allergist immunology allergy_immunology",
    "audiology": "audiology audiologist hearing",
    "bariatrics": "bariatrics bariatric weight_loss_surgery",
    "behavioral_health": "behavioral_health behavioural_health mental_health psychology psychologist counseling bh",
    "cardiology": "cardiology cardiologist cardio cardiac cardiovascular heart card cards cardiac_electrophysiology",
    "dermatology": "dermatology dermatologist derm skin",
    "endocrinology": "endocrinology endocrinologist endocrine endo diabetes diabetology",
    "ent": "ent otolaryngology otolaryngologist ear_nose_and_throat ear_nose_throat otorhinolaryngology",
    "gastroenterology": "gastroenterology gastroenterologist gastro gi digestive hepatology liver",
    "general_surgery": "general_surgery gen_surg surgery surgeon surgical general_surgeon",
    "genetics": "genetics geneticist medical_genetics genetic_counseling",
    "geriatrics": "geriatrics geriatrician geriatric",
    "gynecology": "gynecology gynaecology gynecologist obgyn ob_gyn ob gyn obstetrics womens_health",
    "hematology": "hematology haematology hematologist heme",
    "infectious_disease": "infectious_disease infectious_diseases id_clinic",
    "nephrology": "nephrology nephrologist renal kidney nephro",
    "neurology": "neurology neurologist neuro headache epilepsy stroke",
    "neurosurgery": "neurosurgery neurosurgeon neurological_surgery",
    "nutrition": "nutrition dietitian dietician nutritionist",
    "occupational_therapy": "occupational_therapy occupational_therapist ot",
    "oncology": "oncology oncologist onc cancer hematology_oncology heme_onc",
    "ophthalmology": "ophthalmology ophthalmologist ophtho eye eyes optometry retina",
    "orthopedics": "orthopedics orthopaedics orthopedic orthopaedic ortho orthopedist orthopedic_surgery spine",
    "pain_management": "pain_management pain pain_medicine pain_clinic",
    "palliative_care": "palliative_care palliative hospice",
    "pediatrics": "pediatrics paediatrics pediatrician peds",
    "physical_therapy": "physical_therapy physiotherapy physical_therapist pt rehab rehabilitation",
    "plastic_surgery": "plastic_surgery plastics plastic_surgeon",
    "podiatry": "podiatry podiatrist foot foot_and_ankle",
    "primary_care": "primary_care family_medicine internal_medicine general_practice pcp",
    "psychiatry": "psychiatry psychiatrist psych",
    "pulmonology": "pulmonology pulmonologist pulmonary pulm lung respiratory",
    "radiology": "radiology radiologist imaging",
    "rheumatology": "rheumatology rheumatologist rheum arthritis",
    "sleep_medicine": "sleep_medicine sleep sleep_clinic sleep_study",
    "speech_therapy": "speech_therapy speech_pathology speech slp",
    "sports_medicine": "sports_medicine sports_med",
    "urology": "urology urologist uro",
    "vascular_surgery": "vascular_surgery vascular vascular_surgeon",
    "wound_care": "wound_care wound wounds",
}
SPECIALTIES = tuple(_SYNONYMS)
_BY_PHRASE = {
    phrase.replace("_", " "): specialty for specialty, phrases in _SYNONYMS.items() for phrase in phrases.split()
}
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _BY_PHRASE)
_NOT_WORDS = re.compile(r"[^a-z]+")
_BROADEST = "general_surgery"
_CACHED = 4096


def recognise_specialty(text: str) -> str | None:
    """Return the one specialty that a text names, or None when it names none or several."""
    return _recognise(text[:200])


@lru_cache(_CACHED)
def _recognise(text: str) -> str | None:
    words = _NOT_WORDS.sub(" ", text.lower()).split()
    if not words:
        return None
    if whole := _BY_PHRASE.get(" ".join(words)):
        return whole
    return _only_one_named(words)


def _only_one_named(words: list[str]) -> str | None:
    found: set[str] = set()
    at = 0
    while at < len(words):
        length, specialty = _longest_phrase(words, at)
        if specialty is not None:
            found.add(specialty)
        at += length
    if len(found) == 2:
        # "orthopedic surgery" names a branch of it
        found.discard(_BROADEST)
    return found.pop() if len(found) == 1 else None


def _longest_phrase(words: list[str], at: int) -> tuple[int, str | None]:
    for length in range(_LONGEST_PHRASE, 0, -1):
        specialty = _BY_PHRASE.get(" ".join(words[at : at + length]))
        # two letters inside a sentence are more often a word ("pt" is a patient) than a department
        if specialty is not None and (length > 1 or len(words[at]) > 2):
            return length, specialty
    return 1, None
