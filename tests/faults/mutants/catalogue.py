"""The seeded bugs: what is replaced where, and the short campaign or test that has to notice."""

from dataclasses import dataclass, field

CORE = ("matcher.0", "stager.0", "stager.1")
CLOCKS = ("matcher.0", "stager.0", "sla.0", "sla-firing.0")
DOORS = ("channels.0", "intake.0", "matcher.0", "stager.0")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A short campaign that aims at one bug."""

    names: tuple[str, ...] = CORE
    #: failpoints, each hit so often
    points: tuple[str, ...] = ()
    hits: int = 2
    seconds: float = 4.0
    #: service whose offsets are deleted while it is down
    forgets: str = ""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One seeded bug."""

    name: str
    path: str
    old: str
    new: str
    probe: Probe = field(default_factory=Probe)
    #: a test that has to fail instead of a campaign
    test: str = ""


STEP = "runtime/exactly_once.py"
APPLICATION = "runtime/application.py"
AFTER_COMMIT = ("stager.after_commit", "matcher.after_commit")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="inbox check dropped",
        path=APPLICATION,
        old="        claimed = set(self._inbox.claim(connection, batch.batch_id, (d.event_id for d in readable)))\n",
        new="        self._inbox.claim(connection, batch.batch_id, (d.event_id for d in readable))\n"
        "        claimed = {d.event_id for d in readable}\n",
        probe=Probe(points=AFTER_COMMIT),
    ),
    Mutant(
        name="produce before database commit",
        path=STEP,
        old="            batch = self._apply(records, positions, is_poison=is_poison, is_careful=is_careful)\n"
        '            failpoint(f"{name}.after_commit")\n'
        "            self._publish(batch, positions)\n",
        new="            with self._connection.transaction():\n"
        "                batch = self._apply(records, positions, is_poison=is_poison, is_careful=is_careful)\n"
        "                self._publish(batch, positions)\n"
        '                failpoint(f"{name}.after_commit")\n',
        probe=Probe(points=AFTER_COMMIT, hits=3),
    ),
    Mutant(
        name="offset one too far",
        path=STEP,
        old="record.offset + 1 for record in records",
        new="record.offset + 2 for record in records",
        probe=Probe(points=("stager.after_transaction", "matcher.after_transaction"), hits=3),
    ),
    Mutant(
        name="offset one too short",
        path=STEP,
        old="record.offset + 1 for record in records",
        new="record.offset for record in records",
    ),
    Mutant(
        name="offsets committed before the outputs",
        path=STEP,
        old="        self._producer.begin_transaction()\n",
        new="        self._source.commit(self._source.offsets(positions))\n"
        "        self._producer.begin_transaction()\n",
        probe=Probe(points=("stager.after_produce", "matcher.after_produce"), hits=3),
    ),
    Mutant(
        name="stored outputs are not said again",
        path=APPLICATION,
        old="        if not earlier:\n",
        new="        if earlier or not earlier:\n",
        probe=Probe(points=AFTER_COMMIT, hits=3),
    ),
    Mutant(
        name="unsaid changes go out after newer ones",
        path=APPLICATION,
        old="        batch.outputs |= {d.event_id: produced[d.event_id] for d in batch.deliveries}\n",
        new="        new = {d.event_id: produced[d.event_id] for d in batch.deliveries}\n"
        "        batch.outputs = {**new, **batch.outputs}\n",
        test="tests/integration/test_output_order.py",
    ),
    Mutant(
        name="only the first output is produced",
        path=STEP,
        old="            for output in outputs:\n",
        new="            for output in outputs[:1]:\n",
    ),
    Mutant(
        name="records without a key",
        path=STEP,
        old="                    key=output.key,\n",
        new="                    key=None,\n",
    ),
    Mutant(
        name="quarantine row swallowed",
        path=APPLICATION,
        old="        self._quarantine.add(connection, batch.in_order(), at)\n",
        new="",
    ),
    Mutant(
        name="unreadable record skipped",
        path=APPLICATION,
        old="            batch.set_back_raw(raw, error.reason)\n            return None\n",
        new="            return None\n",
    ),
    Mutant(
        name="records overtake a quarantined one of their key",
        path="services/stager/pipeline.py",
        old="    parks_by_key = True\n",
        new="    parks_by_key = False\n",
        probe=Probe(seconds=12),
    ),
    Mutant(
        name="begins at the end of a topic without offsets",
        path="runtime/kafka.py",
        old='        "auto.offset.reset": "earliest",\n',
        new='        "auto.offset.reset": "latest",\n',
        probe=Probe(forgets="stager"),
    ),
    Mutant(
        name="acknowledgement before the durable write",
        path="services/intake/channels/accept.py",
        old="        self._publish(events)\n",
        new="        threading.Timer(1.0, self._publish, [events]).start()\n",
        probe=Probe(names=DOORS, points=("channels.after_store",), hits=3),
    ),
    Mutant(
        name="incomplete submissions dropped",
        path="services/intake/pipeline.py",
        old="        self._log_unread(connection, batch, reads)\n",
        new="        outputs = {event_id: out for event_id, out in outputs.items() if not out[0].missing_items}\n"
        "        self._log_unread(connection, batch, reads)\n",
        probe=Probe(names=DOORS, seconds=10),
    ),
    Mutant(
        name="random event id of a signal",
        path="services/sla/rules/clocks.py",
        old="        event_id=clock.signal_id,\n",
        new='        event_id=str(__import__("uuid").uuid4()),\n',
        # the stager dies with it: else the first signal is heard, and its clock at rest, before the second is sent
        probe=Probe(names=CLOCKS, points=("firing.after_produce", "stager.before_database"), hits=6),
    ),
    Mutant(
        name="clock marked before its signal is sent",
        path="services/sla/firing.py",
        old="                self._publisher.publish_all([signal_of(clock, fired_at=now) for clock in due], now)\n"
        '                failpoint("firing.after_produce")\n'
        "                store.mark_fired(self._connection, due, at=now)\n"
        '                failpoint("firing.before_commit")\n',
        new="                store.mark_fired(self._connection, due, at=now)\n"
        "        if due:\n"
        '            failpoint("firing.after_produce")\n'
        "            self._publisher.publish_all([signal_of(clock, fired_at=now) for clock in due], now)\n",
        probe=Probe(names=CLOCKS, points=("firing.after_produce",), hits=3),
    ),
    Mutant(
        name="clock fires a second early",
        path="services/sla/firing.py",
        old="store.lock_due(self._connection, now=now, limit=self._limit)",
        new="store.lock_due(self._connection,"
        ' now=now + __import__("datetime").timedelta(seconds=1), limit=self._limit)',
        probe=Probe(names=CLOCKS, seconds=10),
    ),
    Mutant(
        name="clocks polled by what was last seen",
        path="services/sla/firing.py",
        old="            if due:\n",
        new='            seen = getattr(self, "_seen", None)\n'
        "            due = [clock for clock in due if seen is None or clock.fires_at > seen]\n"
        "            self._seen = max([clock.fires_at for clock in due] + ([seen] if seen else []), default=None)\n"
        "            if due:\n",
        probe=Probe(names=CLOCKS, points=("stager.before_commit",), hits=2, seconds=10),
    ),
    Mutant(
        name="clocks of a left stage stay armed",
        path="services/sla/rules/clocks.py",
        old="        ended = [_end(clock, change) for clock in clocks.values()]\n",
        new="        ended = list(clocks.values())\n",
        probe=Probe(names=CLOCKS, seconds=10),
    ),
    Mutant(
        name="one audit row a batch is missing",
        path="services/stager/pipeline.py",
        old="for change in working.changes])\n        append_automation_log",
        new="for change in working.changes[1:]])\n        append_automation_log",
    ),
    Mutant(
        name="audit rows not chained within a batch",
        path="runtime/audit.py",
        old="            copy.write_row((chain_id, position, *_columns(entry), previous, own))\n"
        "            previous = own\n",
        new="            copy.write_row((chain_id, position, *_columns(entry), previous, own))\n",
    ),
    Mutant(
        name="sequence with gaps",
        path="services/stager/rules/draft.py",
        old="        sequence = self.referral.sequence + 1\n",
        new="        sequence = self.referral.sequence + 2\n",
    ),
    Mutant(
        name="a stage entered without its tasks",
        path="services/stager/rules/entering.py",
        old="    for name in _task_names(rule, draft.referral.missing_items):\n",
        new="    for name in ():\n",
    ),
    Mutant(
        name="a patient's name in a log",
        path="services/matcher/arrivals.py",
        old="    if not _is_first(batch, delivery, event):\n",
        new='    __import__("structlog").get_logger().info("received", name=event.last_name)\n'
        "    if not _is_first(batch, delivery, event):\n",
    ),
    Mutant(
        name="the caller's rights outlive the transaction",
        path="services/board/migrations/board_0001_session.sql",
        old="set_config('baton.network', found.network_id, true)",
        new="set_config('baton.network', found.network_id, false)",
        # the pool throws such a connection away, so that no reader would notice
        test="tests/integration/test_session_rights.py",
    ),
    Mutant(
        name="connections go back into the pool unlooked at",
        path="services/board/store/session.py",
        old="    if row is None or row[0]:\n        raise SettingsLeaked\n",
        new="",
        test="tests/integration/test_access.py",
    ),
)
