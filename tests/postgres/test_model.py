"""The queue against a model of the life cycle: every move, every old token, damaged checkpoints, time under control.

The model is written from docs/JOB_SYSTEM.md, not from the SQL. ``JOBCTL_PROFILE=nightly`` runs the long sizes.
"""

import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import BaseModel

from jobctl.client import Client
from jobctl.core import checkpoint
from jobctl.core.attempt import Failure, Outcome, Record, Token
from jobctl.core.errors import LeaseLost
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import ACTIVE, DONE, MAX_CRASHES, Ending, JobFlags, Status, actions, allowed
from jobctl.core.pipeline import Pipeline
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget, Request
from jobctl.postgres.leases import Leases
from jobctl.storage.local import LocalStorage
from jobctl.worker.checkpoints import CheckpointLog, Unreadable
from tests.conftest import empty

EXAMPLES, STEPS = (3000, 100) if os.environ.get("JOBCTL_PROFILE") == "nightly" else (300, 60)
TTL = 30.0
P, R, Z, C, F, X = Status
SELDOM = st.sampled_from([True, False, False, False])
"""What ends jobs happens now and then, so that they live long enough for the rest to happen to them."""


STANDS = """
SELECT id, status, pause_requested_at IS NOT NULL, cancel_requested_at IS NOT NULL, retry_count, crash_count, resume_count,
    extract(epoch FROM next_retry_at)::float8, last_checkpoint_path
FROM jobs
"""


class Nothing(BaseModel):
    pass


pipeline = Pipeline("a", args=Nothing)
for name in ("one", "two", "three"):
    pipeline.stage(share=1, name=name)(lambda _ctx, _previous: {})


@dataclass
class Model:
    """What a job should be."""

    id: int
    due: float
    max_retries: int
    key: str | None
    same: str | None  # idempotency key
    status: Status = P
    pause: bool = False
    cancel: bool = False
    token: Token | None = None
    expires: float = 0.0
    retries: int = 0
    crashes: int = 0
    resumes: int = 0
    seq: int = 0
    retry_at: float | None = None
    records: list[tuple[str, int]] = field(default_factory=list)  # path and sequence number, as recorded
    chain: CheckpointLog | None = None

    def end(self, status: Status) -> None:
        self.status, self.token, self.pause, self.cancel = status, None, False, False


class Jobs(RuleBasedStateMachine):
    """Every rule does the same to the database and to the model; ``agree`` compares after each."""

    url = ""
    storage_root = Path()

    def __init__(self) -> None:
        super().__init__()
        self.queue = Leases(lambda: connect(self.url), ttl=TTL, actor="model")
        self.queue.connection.execute("SET search_path = jobctl, public")
        empty(self.queue.connection)
        self.storage = LocalStorage(self.storage_root / secrets.token_hex(6))
        self.client = Client(self.queue, storage=lambda: self.storage, load=lambda _: pipeline, user="model")
        self.worker = self.queue.register(
            name="w", host="h", pid=1, version="0", capacity=9, job_types=["a"], queues=[]
        )
        self.jobs: dict[int, Model] = {}
        self.old: list[Token] = []
        self.gone: set[int] = set()
        self.damaged: set[str] = set()
        self.missing: set[str] = set()
        self.held = False
        self.told: dict[int, Status | None] = {}  # where the history has brought each job so far
        self.read_to = 0
        # far from the start of the server, where nothing is rescued
        row = self.queue.connection.execute(
            "SELECT extract(epoch FROM clock_timestamp())::float8 + 86400 AS t"
        ).fetchone()
        self.now = float(row["t"] if isinstance(row, dict) else row[0])
        self.tick(0)

    def teardown(self) -> None:
        self.people_are_shown_the_same()
        self.queue.close()

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.queue.connection.execute("SELECT set_config('jobctl.clock', to_timestamp(%s)::text, false)", [self.now])

    def pick(self, number: int) -> Model:
        return list(self.jobs.values())[number % len(self.jobs)]

    # -- moves ---------------------------------------------------------------------------------------------------

    @initialize(count=st.integers(1, 3))
    def start(self, count):
        for _ in range(count):
            self.submit(None, None, 0, 1)

    @precondition(lambda self: len(self.jobs) < 6)
    @rule(
        key=st.sampled_from([None, None, "k"]), same=st.sampled_from([None, None, "i"]),
        delay=st.sampled_from([0, 0, 60]), retries=st.integers(0, 2),
    )  # fmt: skip
    def submit(self, key, same, delay, retries):
        new = NewJob("a", {}, concurrency_key=key, key=same, delay=delay, max_retries=retries)
        answer = self.queue.submit([new])[0]
        clash = [j for j in self.jobs.values() if same and j.same == same and j.status in ACTIVE]
        assert answer.created == (not clash)
        if clash:
            assert answer.id == clash[0].id
        else:
            self.jobs[answer.id] = Model(answer.id, self.now + delay, retries, key, same)

    @rule(slots=st.integers(1, 4), seconds=st.sampled_from([0, 61]))
    def claim(self, slots, seconds):
        self.tick(seconds)
        self.queue.wake_keys(None)
        ready = [j for j in self.jobs.values() if j.status is P and j.due <= self.now and not self.held]
        busy = {j.key for j in self.jobs.values() if j.status is R}
        free = [j for j in ready if j.key is None]
        got = self.queue.claim(self.worker, [ClaimTarget("default", "a", p) for p in range(5)], slots)
        assert len(got) <= slots
        assert len(got) >= min(slots, len(free)), "what is due and free is handed out"
        for claimed in got:
            job = self.jobs[claimed.token.job_id]
            assert job in ready
            assert job.key is None or job.key not in busy, "two jobs of one key at once"
            busy.add(job.key)
            job.seq += 1
            assert claimed.token.lease_seq == job.seq
            job.status, job.token, job.expires = R, claimed.token, self.now + TTL
            job.chain = self.read(job, claimed.records)

    def read(self, job: Model, records: tuple[Record, ...]) -> CheckpointLog:
        """The chain as an attempt reads it: damage is noticed and costs only what came after."""
        chain = CheckpointLog(pipeline, self.storage, records)
        good = list(job.records)
        while good and good[-1][0] in self.damaged | self.missing:
            good.pop()
        while True:
            try:
                if place := chain.position().stage:
                    assert chain.value(pipeline.stages[place - 1].name) == {"job": job.id, "stage": place - 1}
                break
            except Unreadable as bad:
                chain.cut(bad.record)
        assert [r.path for r in chain.records] == [path for path, _ in good]
        return chain

    def commit_to(self, token: Token, chain: CheckpointLog, *, safe: bool) -> tuple[Status, bool]:
        place = chain.position().stage
        stage = pipeline.stages[place].name
        data = checkpoint.encode(checkpoint.Segment(stage, {"job": token.job_id, "stage": place}, 0, complete=True))
        sha = checkpoint.digest(data)
        path = checkpoint.key(token.job_id, token.lease_seq, token.lease_id, chain.next_seq, stage, sha)
        self.storage.put(path, data)
        record = Record(chain.next_seq, stage, 0, True, path, sha, len(data), safe)
        answer = self.queue.commit_stage(token, record, forget=chain.dropped)
        chain.add(record)
        return answer

    @precondition(lambda self: any(j.status is R for j in self.jobs.values()))
    @rule(number=st.integers(0, 9), safe=st.booleans())
    def commit(self, number, safe):
        """The next stage of a running job."""
        running = [j for j in self.jobs.values() if j.status is R and j.chain.position().stage < len(pipeline.stages)]
        if not running:
            return
        job = running[number % len(running)]
        dropped = set(job.chain.dropped)
        status, cancel = self.commit_to(job.token, job.chain, safe=safe)
        newest = job.chain.records[-1]
        job.records = [r for r in job.records if r[1] not in dropped] + [(newest.path, newest.seq)]
        job.expires = self.now + TTL
        assert cancel == job.cancel
        if job.pause and safe and not job.cancel:
            self.old.append(job.token)
            job.end(Z)
        assert status == job.status

    @precondition(lambda self: any(j.status is R for j in self.jobs.values()))
    @rule(
        number=st.integers(0, 9), ending=st.sampled_from(list(Ending)),
        kind=st.sampled_from(["transient", "transient", "invalid", "paywall"]),
    )  # fmt: skip
    def settle(self, number, ending, kind):
        running = [j for j in self.jobs.values() if j.status is R]
        job = running[number % len(running)]
        failed = ending in (Ending.FAILED, Ending.CRASHED)
        failure = Failure(kind if ending is Ending.FAILED else "permanent", "m", "r") if failed else None
        outcome = Outcome(job.token, ending, failure=failure, retry_after=60.0 if ending is Ending.FAILED else None)
        answered = self.queue.settle([outcome])
        assert set(answered) == {job.id}
        self.old.append(job.token)
        crashed = ending is Ending.CRASHED
        if job.cancel or ending is Ending.CANCELLED:
            status = X
        elif ending is Ending.COMPLETED:
            status = C
        elif ending is Ending.FAILED and kind == "transient" and job.pause and job.retries < job.max_retries:
            status = Z  # it waits for its resume instead of for the retry
            job.retries += 1
        elif ending is Ending.FAILED or (crashed and job.crashes + 1 >= MAX_CRASHES):
            status = F
        else:
            status = Z if job.pause else P
        job.crashes += crashed
        transient = status is F and ending is Ending.FAILED and kind == "transient"
        job.retry_at = self.now + 60 if transient and job.retries < job.max_retries else None
        job.end(status)

    @rule(
        slots=st.integers(1, 4),
        commits=st.integers(0, 3),
        number=st.integers(0, 9),
        kind=st.sampled_from(["transient", "invalid"]),
    )
    def an_attempt_fails(self, slots, commits, number, kind):
        """Claim, some stages and a failure in a row: alone, chance seldom puts them together."""
        self.claim(slots, 61)
        for _ in range(commits):
            self.commit(number, safe=True)
        if any(j.status is R for j in self.jobs.values()):
            self.settle(number, Ending.FAILED, kind)

    @rule()
    def beat(self):
        leases = {j.id: (j.token, Progress(1.0)) for j in self.jobs.values() if j.status is R}
        heard = self.queue.beat(self.worker, leases)
        assert heard.requests == {i: Request(self.jobs[i].pause, self.jobs[i].cancel) for i in leases}
        for i in leases:
            self.jobs[i].expires = self.now + TTL

    # -- people --------------------------------------------------------------------------------------------------

    def answers(self, job: Model, verb: str, **options: bool) -> str:
        """The answer, which is ``done`` or ``requested`` exactly when the action was offered."""
        offered = verb in actions(JobFlags(job.status, job.pause, job.cancel, job.retries, job.max_retries))
        answer = getattr(self.client, verb)([job.id], **options)[0]
        clash = verb in ("retry", "restart") and job.same and any(
            o.same == job.same and o.status in ACTIVE and o is not job for o in self.jobs.values()
        )  # fmt: skip
        lost = (
            verb == "resume" and not options and job.status is Z and job.records and job.records[-1][0] in self.missing
        )
        assert (answer.outcome in ("done", "requested")) == (offered and not clash and not lost), answer
        return answer.outcome

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9))
    def pause(self, number):
        job = self.pick(number)
        match self.answers(job, "pause"):
            case "done":
                job.end(Z)
            case "requested":
                job.pause = True

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), from_start=st.booleans())
    def resume(self, number, from_start):
        job = self.pick(number)
        if self.answers(job, "resume", **({"from_start": True} if from_start else {})) == "done":
            if job.status is R:
                job.pause = False
            else:
                job.status = P
                job.resumes += 1
                job.records = [] if from_start else job.records

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), rarely=SELDOM)
    def cancel(self, number, rarely):
        if not rarely:
            return
        job = self.pick(number)
        match self.answers(job, "cancel"):
            case "done":
                job.end(X)
                job.retry_at = None
            case "requested":
                job.cancel = True

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9))
    def retry(self, number):
        job = self.pick(number)
        if self.answers(job, "retry") == "done":
            job.status, job.crashes, job.retry_at = P, 0, None
            job.retries += 1

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 9), rarely=SELDOM)
    def restart(self, number, rarely):
        job = self.pick(number)
        if rarely and self.answers(job, "restart") == "done":
            job.status, job.crashes, job.retries, job.resumes, job.retry_at, job.records = P, 0, 0, 0, None, []

    @precondition(lambda self: len(self.jobs) > 1)
    @rule(number=st.integers(0, 9), rarely=SELDOM)
    def delete(self, number, rarely):
        if not rarely:
            return
        job = self.pick(number)
        if self.answers(job, "delete") == "done":
            del self.jobs[job.id]
            self.gone.add(job.id)
            assert not any(self.storage.exists(path) for path, _ in job.records)

    @rule(rarely=SELDOM)
    def hold_or_release_the_queue(self, rarely):
        if not (rarely or self.held):
            return
        self.held = not self.held
        (self.queue.pause_queue if self.held else self.queue.resume_queue)("queue", "default")

    # -- time, sweeps, damage ------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([5, 31, 61]))
    def time_passes(self, seconds):
        self.tick(seconds)

    @rule(seconds=st.sampled_from([0, 31]))
    def rescue(self, seconds):
        self.tick(seconds)
        lost = [j for j in self.jobs.values() if j.status is R and j.expires < self.now]
        assert {row.id for row in self.queue.rescue()} == {j.id for j in lost}
        for job in lost:
            job.crashes += 1
            self.old.append(job.token)
            abandoned = job.crashes >= MAX_CRASHES
            job.end(X if job.cancel else F if abandoned else Z if job.pause else P)
            job.retry_at = None

    @rule(seconds=st.sampled_from([0, 61]))
    def requeue(self, seconds):
        self.tick(seconds)
        due = [j for j in self.jobs.values() if j.status is F and j.retry_at is not None and j.retry_at <= self.now]
        expected = []
        for job in sorted(due, key=lambda j: j.id):
            rivals = [o for o in self.jobs.values() if o.same and o.same == job.same and o is not job]
            if not any(o.status in ACTIVE or (o in due and o.id < job.id) for o in rivals):
                expected.append(job)
        assert {row.id for row in self.queue.requeue()} == {j.id for j in expected}
        for job in expected:
            job.status, job.retry_at = P, None
            job.retries += 1

    @precondition(lambda self: any(j.records for j in self.jobs.values()))
    @rule(number=st.integers(0, 9), place=st.integers(0, 999), gone=st.booleans())
    def damage(self, number, place, gone):
        """A byte flips, or a file vanishes."""
        held = [j for j in self.jobs.values() if j.records and j.status is not R]
        if not held:
            return
        job = held[number % len(held)]
        path = job.records[place % len(job.records)][0]
        file = self.storage.root / path
        if path in self.damaged | self.missing:
            return
        if gone:
            file.unlink()
            self.missing.add(path)
        else:
            data = bytearray(file.read_bytes())
            data[place % len(data)] ^= 1 << place % 8
            file.write_bytes(bytes(data))
            self.damaged.add(path)

    @precondition(lambda self: self.old)
    @rule(number=st.integers(0, 99), ending=st.sampled_from(list(Ending)))
    def zombies_write_with_every_old_token(self, number, ending):
        before = self.everything()
        assert self.queue.settle([Outcome(token, ending) for token in self.latest_of_each()]) == {}
        assert self.queue.beat(0, {n: (token, Progress(99.0)) for n, token in enumerate(self.old)}).requests == {}
        token = self.old[number % len(self.old)]
        with pytest.raises(LeaseLost):
            self.queue.commit_stage(token, Record(9, "one", 0, True, "jobs/1/0-00000000/9-x-0", "0" * 64, 1, True))
        assert self.everything() == before

    def latest_of_each(self) -> list[Token]:
        """One old token a job: a statement settles a job once."""
        return list({token.job_id: token for token in self.old}.values())

    def everything(self) -> list[object]:
        """All that is stored, as text."""
        tables = ("jobs", "checkpoints", "events", "documents", "holds", "job_dependencies")
        return [
            self.queue.connection.execute(f"SELECT array_agg(t::text ORDER BY t::text) FROM {t} t").fetchone()
            for t in tables
        ]

    # -- the comparison ------------------------------------------------------------------------------------------

    @invariant()
    def agree(self):
        """By a query of its own, for this is asked 18,000 times; ``teardown`` asks as people do."""
        rows = {row[0]: row[1:] for row in self.queue.connection.execute(STANDS).fetchall()}
        assert set(rows) == set(self.jobs)
        for i, job in self.jobs.items():
            newest = job.records[-1][0] if job.records else None
            assert rows[i] == (
                job.status, job.pause, job.cancel, job.retries, job.crashes, job.resumes,
                job.retry_at and pytest.approx(job.retry_at), newest,
            ), f"job {i}"  # fmt: skip

    def people_are_shown_the_same(self):
        shown = {job.id: (str(job.status), job.actions) for job in self.queue.find(Filters())}
        assert shown == {
            i: (str(j.status), actions(JobFlags(j.status, j.pause, j.cancel, j.retries, j.max_retries)))
            for i, j in self.jobs.items()
        }

    @invariant()
    def history_is_a_path_through_the_table(self):
        state = self.told
        for event in self.queue.events(None, after=self.read_to):
            self.read_to = event.id
            if event.to_status is None and event.kind != "delete":
                continue
            i, source, target = event.job_id, event.from_status, event.to_status
            assert state.get(i) == source, f"a move of job {i} is missing before {event}"
            if source and target:
                assert allowed(Status(source), Status(target))
            state[i] = target and Status(target)
        assert state == {i: job.status for i, job in self.jobs.items()} | dict.fromkeys(self.gone)


@pytest.mark.timeout(3600)
def test_the_queue_agrees_with_the_model_whatever_happens(database_url):
    with tempfile.TemporaryDirectory(prefix="jobctl-model-") as folder:
        machine = type("Machine", (Jobs,), {"url": database_url, "storage_root": Path(folder)})
        machine.TestCase.settings = settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=True,
        )  # fmt: skip
        machine.TestCase("runTest").runTest()


def test_every_status_of_the_table_is_terminal_or_waits_visibly():
    assert set(ACTIVE) | set(DONE) == set(Status)
