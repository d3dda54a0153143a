"""The patients a batch meets: read set-wise once, then kept current while the batch is decided in order."""

from collections.abc import Iterable, Mapping, Sequence

from schemas.vocabulary import ReviewDecision
from services.matcher.records import Changes, Patient
from services.matcher.rules.blocking import BLOCK_LIMIT, blocking_keys
from services.matcher.rules.decision import Block, Candidate
from services.matcher.rules.identity import Identity, identity_of
from services.matcher.tables import InNetwork, MatcherTables

Key = tuple[str, int]
KeyRow = tuple[str, int, str]


class KnownPatients:
    """A working copy of the patient index; a record sees what the ones before it in the batch did."""

    def __init__(self, tables: MatcherTables, changes: Changes, *, correction_count: int) -> None:
        self._tables, self._changes = tables, changes
        # each correction can take one patient out of a block, which must not make a full block look small
        self._limit = BLOCK_LIMIT + 1 + correction_count
        self._patients: dict[str, Patient] = {}
        self._candidates: dict[str, Candidate] = {}
        self._stored_blocks: dict[int, list[str]] = {}
        self._moved: set[str] = set()
        self._moved_blocks: dict[int, dict[str, None]] = {}
        self._decided: dict[str, dict[str, ReviewDecision]] = {}
        self._decisions_read: set[str] = set()

    @property
    def decided(self) -> Mapping[str, Mapping[str, ReviewDecision]]:
        """What people decided about the patients read so far."""
        return self._decided

    def read(self, ids: Iterable[InNetwork]) -> None:
        """Read and lock the patients that corrections name."""
        unread = sorted(pair for pair in set(ids) if pair[1] not in self._patients)
        for patient in self._tables.patients(unread, is_locked=True) if unread else ():
            self._patients[patient.patient_id] = patient
        self._read_decisions(unread)

    def read_blocks(self, keys: Iterable[Key]) -> None:
        """Read the blocks of keys and the patients in them."""
        unread = {key for key in keys if key[1] not in self._stored_blocks}
        if not unread:
            return
        network_of = {key: network_id for network_id, key in unread}
        self._stored_blocks.update({key: [] for key in network_of})
        for key, patient_id in self._tables.blocks(sorted(unread), limit=self._limit):
            self._stored_blocks[key].append(patient_id)
        wanted = {
            (network_of[key], patient_id)
            for key in network_of
            if len(self._stored_blocks[key]) <= self._limit - 1
            for patient_id in self._stored_blocks[key]
            if patient_id not in self._patients
        }
        if wanted:
            self._patients.update({patient.patient_id: patient for patient in self._tables.patients(sorted(wanted))})
        self._read_decisions(wanted)

    def get(self, network_id: str, patient_id: str) -> Patient | None:
        """Return a patient that was read or created in this batch."""
        patient = self._patients.get(patient_id)
        return patient if patient is not None and patient.network_id == network_id else None

    def block_of(self, network_id: str, keys: Sequence[int], *, without: str | None = None) -> Block:
        """Return everyone who is found under one of these keys."""
        self.read_blocks((network_id, key) for key in keys)
        blocks = [self._block(key) for key in keys]
        found = dict.fromkeys(
            patient_id for block in blocks if len(block) <= BLOCK_LIMIT for patient_id in block if patient_id != without
        )
        is_too_large = any(len(block) > BLOCK_LIMIT for block in blocks)
        candidates = (self._candidate(patient_id) for patient_id in found)
        return Block([candidate for candidate in candidates if candidate is not None], is_too_large)

    def create(self, patient: Patient, identity: Identity, keys: Sequence[int]) -> None:
        """Add a patient."""
        self._changes.created_patients[patient.patient_id] = patient
        self._place(patient, identity, keys, keys_before=())

    def correct(self, patient: Patient) -> None:
        """Replace a patient that a person corrected."""
        self._replace(patient, self._changes.corrected_patients)

    def fill(self, patient: Patient) -> None:
        """Replace a patient whose empty fields a linked referral filled."""
        was_corrected = patient.patient_id in self._changes.corrected_patients
        self._replace(patient, self._changes.corrected_patients if was_corrected else self._changes.filled_patients)

    def decide(self, patient_id: str, other_id: str, decision: ReviewDecision) -> None:
        """Remember a person's decision about two patients."""
        self._decided.setdefault(patient_id, {})[other_id] = decision
        self._decided.setdefault(other_id, {})[patient_id] = decision

    def _replace(self, patient: Patient, changed: dict[str, Patient]) -> None:
        before = self._patients[patient.patient_id]
        created = self._changes.created_patients
        (created if patient.patient_id in created else changed)[patient.patient_id] = patient
        if changed is self._changes.corrected_patients:
            self._changes.filled_patients.pop(patient.patient_id, None)
        identity = identity_of(patient.person)
        keys = blocking_keys(patient.network_id, identity)
        keys_before = blocking_keys(patient.network_id, identity_of(before.person))
        self._place(patient, identity, keys, keys_before=keys_before)

    def _place(self, patient: Patient, identity: Identity, keys: Sequence[int], *, keys_before: Sequence[int]) -> None:
        patient_id, network_id = patient.patient_id, patient.network_id
        for key in set(keys_before).difference(keys):
            self._moved_blocks.get(key, {}).pop(patient_id, None)
            _note((network_id, key, patient_id), self._changes.removed_keys, undoes=self._changes.added_keys)
        for key in keys:
            self._moved_blocks.setdefault(key, {})[patient_id] = None
        for key in set(keys).difference(keys_before):
            _note((network_id, key, patient_id), self._changes.added_keys, undoes=self._changes.removed_keys)
        self._moved.add(patient_id)
        self._patients[patient_id] = patient
        self._candidates[patient_id] = _candidate_of(patient, identity)

    def _block(self, key: int) -> list[str]:
        stored, moved = self._stored_blocks[key], self._moved_blocks.get(key)
        if self._moved:
            stored = [patient_id for patient_id in stored if patient_id not in self._moved]
        return [*stored, *moved] if moved else stored

    def _candidate(self, patient_id: str) -> Candidate | None:
        candidate = self._candidates.get(patient_id)
        if candidate is not None:
            return candidate
        patient = self._patients.get(patient_id)
        if patient is None or patient.merged_into is not None:
            return None
        candidate = self._candidates[patient_id] = _candidate_of(patient, identity_of(patient.person))
        return candidate

    def _read_decisions(self, ids: Iterable[InNetwork]) -> None:
        unread = [pair for pair in ids if pair[1] not in self._decisions_read]
        if not unread:
            return
        self._decisions_read.update(patient_id for _, patient_id in unread)
        for patient_id, answers in self._tables.decisions(unread).items():
            self._decided.setdefault(patient_id, {}).update(answers)


def _note(row: KeyRow, rows: set[KeyRow], *, undoes: set[KeyRow]) -> None:
    if row in undoes:
        undoes.discard(row)
    else:
        rows.add(row)


def _candidate_of(patient: Patient, identity: Identity) -> Candidate:
    return Candidate(patient.patient_id, patient.matching_key, patient.created_at, identity)
