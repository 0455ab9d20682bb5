"""The guards of the Python code: what is changed to switch one off, and the test that then fails.

Next to the guards of the SQL in tests/postgres/test_guards.py. A guard that no test would miss is none: a new one gets a line
here.
"""

from dataclasses import dataclass

WORKER = "jobctl.worker."


@dataclass(frozen=True)
class Guard:
    """``where``: ``module:Class.function``. ``longest_wait``: seconds in which a wait of the test is known to be in vain."""

    where: str
    old: str
    new: str
    caught_by: str
    longest_wait: float | None = None

    @property
    def id(self) -> str:
        """Short and unique."""
        return f"{self.where.partition(':')[2]}: {' '.join(self.old.split())[:48]}"

    def is_caught_by(self, test: str) -> bool:
        """Whether a test is the one that is named, with those parameters or any."""
        return self.caught_by in (test, test.split("[")[0])

    @property
    def slow(self) -> bool:
        """Whether real workers are started."""
        return self.longest_wait is not None


LEASES = "tests/unit/test_lease_keeper.py::"
OUTCOMES = "tests/unit/test_outcomes.py::"
DISPATCH = "tests/unit/test_dispatch.py::"
CHANNEL = "tests/unit/test_channel.py::"
LOG = "tests/unit/test_checkpoint_log.py::"
PROGRESS = "tests/unit/test_progress.py::"
ATTEMPT = "tests/postgres/test_attempt.py::"
ANSWERS = "tests/postgres/test_lost_answers.py::"
MESSAGES = "tests/unit/test_messages_of_children.py::"
CHILD = "tests/unit/test_end_of_children.py::"
LOCAL = "tests/storage/test_local.py::"
STOPPING = "tests/flow/test_stopping.py::"
RESULTS = "tests/flow/test_results.py::"

GOOD_UNTIL = LEASES + "test_leases_are_good_until_one_renewal_before_their_end"
IS_LOST = LEASES + "test_a_job_that_does_not_come_back_is_lost_until_its_attempt_is_forgotten"
OWN_OUTCOME = CHANNEL + "test_an_outcome_that_no_attempt_at_the_job_has_is_refused"
MIDDLE = ATTEMPT + "test_damage_in_the_middle_costs_what_came_after_it_and_never_a_wrong_result"
ONCE = ATTEMPT + "test_the_writes_and_follow_up_jobs_of_each_batch_are_committed_once"
AGAIN = ATTEMPT + "test_a_stage_that_is_begun_again_after_an_outage_keeps_nothing_of_its_first_try"
SAFE = ATTEMPT + "test_a_job_stops_only_where_it_is_safe_whoever_asks"
CUT = LOG + "test_a_cut_forgets_everything_from_there_on_and_what_was_read"
FITS = LOG + "test_records_that_do_not_fit_the_pipeline_are_unreadable"
AWAY = OUTCOMES + "test_nothing_is_lost_and_every_lease_lives_on_while_the_database_is_away"
ALONE = OUTCOMES + "test_an_outcome_that_cannot_be_written_fails_its_own_job_alone"
ONE_BY_ONE = DISPATCH + "test_rows_that_cannot_be_read_are_claimed_one_by_one_until_the_bad_one_is_alone"
SYNCED = "tests/postgres/test_guards.py::test_bytes_are_synced_before_they_are_named_and_their_folder_after"
HASH = "tests/postgres/test_guards.py::test_a_flipped_byte_in_a_vector_is_caught_by_the_hash_and_by_nothing_else"
STALE = "tests/postgres/test_queue.py::test_a_stale_token_writes_nothing_anywhere"
UNSEEN = LOCAL + "test_nothing_is_under_a_key_before_all_of_it_is"
FROZEN = STOPPING + "test_a_worker_leaves_within_its_grace_while_its_database_is_away[SIGTERM]"
LOST_CHILD = STOPPING + "test_the_child_of_a_lost_job_is_stopped_and_its_worker_goes_on"
ORPHAN = STOPPING + "test_a_job_whose_claim_was_answered_to_nobody_is_released_long_before_its_lease_ends"
RESEND = ANSWERS + "test_a_commit_whose_answer_was_lost_is_not_sent_again"

GUARDS = [
    # no work under a lease that could have ended
    Guard(WORKER + "leases:LeaseKeeper.must_freeze", "now >= self._good_until", "False", GOOD_UNTIL),
    Guard(WORKER + "leases:LeaseKeeper.renew", "+ self._queue.ttl - self.interval", "+ self._queue.ttl", GOOD_UNTIL),
    Guard(WORKER + "leases:LeaseKeeper.claimed", 'if self._good_until == float("inf"):', "if True:", GOOD_UNTIL),
    Guard(WORKER + "supervisor:Supervisor._turn", "if self.leases.must_freeze(time.monotonic()):", "if False:", FROZEN, 8.0),
    # a lost job ends here, and an unknown job is released
    Guard(WORKER + "leases:LeaseKeeper.renew", "if i not in beat.requests]", "if False]", IS_LOST),
    Guard(WORKER + "supervisor:Supervisor._renew_all", "in renewal.lost:", "in ():", LOST_CHILD, 8.0),
    Guard(WORKER + "enforcement:Enforcer.on_lease_lost", "self._parts.leases.mark_lost(job_id)", "pass", LOST_CHILD, 8.0),
    Guard(WORKER + "enforcement:Enforcer.enforce", "self._parts.leases.is_lost(child.running.token.job_id)", "False", LOST_CHILD, 8.0),
    Guard(WORKER + "supervisor:Supervisor._renew", "if self.leases.may_have_orphans(time.monotonic()):", "if False:", ORPHAN, 12.0),
    Guard(WORKER + "supervisor:Supervisor._claim", "self.leases.claim_failed(now)", "pass", ORPHAN, 12.0),
    Guard(WORKER + "leases:LeaseKeeper.may_have_orphans", "return now < self._orphans_until", "return False",
          LEASES + "test_after_a_claim_without_an_answer_orphans_are_looked_for_during_one_lease"),
    # where a job may stop
    Guard(WORKER + "context:StageContext.check_interrupt", "if self._checkpoints.pause_safe:", "if True:", SAFE),
    Guard(WORKER + "attempt:Attempt._commit", "self.stops.release and context.stage.pause_safe", "self.stops.release", SAFE),
    Guard(WORKER + "checkpoints:CheckpointLog.pause_safe", "self.records[-1].pause_safe", "True",
          LOG + "test_a_job_may_stop_where_its_newest_record_is_safe"),
    # damage costs what came after it, and nothing else
    Guard(WORKER + "checkpoints:CheckpointLog.cut", "del self.records[index:]", "del self.records[index]", MIDDLE),
    Guard(WORKER + "checkpoints:CheckpointLog.cut", "in self.records[index:]]", "in ()]", MIDDLE),
    Guard(WORKER + "checkpoints:CheckpointLog.cut", "self._values.clear()", "pass", CUT),
    Guard(WORKER + "checkpoints:CheckpointLog.position", "record.stage != stage.name", "False", FITS),
    Guard(WORKER + "checkpoints:CheckpointLog.position", " or record.done < done", "", FITS),
    Guard(WORKER + "checkpoints:CheckpointLog.read", "digest(data) != record.sha256", "False", HASH),
    Guard("jobctl.core.result:load", "digest(data) != stored.sha256", "False",
          RESULTS + "test_damaged_and_missing_bytes_of_a_result_are_an_error_and_never_an_answer", 20.0),
    Guard("jobctl.client.results:Results._verdict", "== stored.sha256", '!= ""',
          "tests/postgres/test_lost_bytes.py::test_bytes_that_changed_are_found_before_anybody_needs_them"),
    Guard("jobctl.client.control:Control._without_bytes", "not self._storage().exists(job.checkpoint_path)", "False",
          "tests/postgres/test_lost_bytes.py::test_a_job_whose_newest_checkpoint_has_no_bytes_is_not_resumed_unless_from_the_start"),
    Guard(WORKER + "attempt:Attempt._batches", "if done > len(items):", "if False:",
          ANSWERS + "test_a_stage_that_has_fewer_items_than_were_done_begins_again"),
    # a stage's effects are committed once
    Guard(WORKER + "attempt:Attempt._commit", "context.clear()", "pass", ONCE),
    Guard(WORKER + "context:StageContext.clear", "self._writes.clear()", "pass", ONCE),
    Guard(WORKER + "context:StageContext.clear", "self.follow_up.clear()", "pass", ONCE),
    Guard(WORKER + "attempt:Attempt._through_outages", "context.rollback_to(savepoint)", "pass", AGAIN),
    Guard(WORKER + "context:StageContext.rollback_to", "del self._writes[savepoint[0] :]", "pass", AGAIN),
    Guard(WORKER + "context:StageContext.rollback_to", "del self.follow_up[savepoint[1] :]", "pass", AGAIN),
    Guard(WORKER + "attempt:Attempt._finish", "last and not context.has_effects", "last", AGAIN),
    Guard(WORKER + "attempt:Attempt._record", "if sent:", "if False:", RESEND),
    Guard(WORKER + "attempt:Attempt._record", "if found.recorded:", "if False:", RESEND),
    Guard(WORKER + "attempt:Attempt._record", "not (found.recorded or found.ours)", "False",
          ANSWERS + "test_a_commit_whose_answer_was_lost_with_the_lease_ends_the_attempt"),
    Guard(WORKER + "attempt:Attempt._commit", "self.services.storage.put(key, data)",
          "__import__('threading').Timer(0.5, self.services.storage.put, (key, data)).start()",
          ANSWERS + "test_a_row_never_names_bytes_that_are_not_there"),
    Guard("jobctl.postgres.leases:Leases.commit_stage", "if not rows:", "if False:", STALE),
    Guard("jobctl.postgres.leases:Leases.commit_stage", "self._limit()", "pass",
          "tests/postgres/test_locks.py::test_the_limits_of_a_commit_end_with_it"),
    # bytes under a key are whole
    Guard("jobctl.storage.local:LocalStorage.put_file", 'f"{_TEMPORARY}{secrets.token_hex(8)}"', "name", UNSEEN),
    Guard("jobctl.storage.local:LocalStorage.keys", "if not name.startswith(_TEMPORARY):", "if True:", UNSEEN),
    Guard("jobctl.storage.local:LocalStorage.put_file", "os.fsync(sink.fileno())", "pass", SYNCED),
    Guard("jobctl.storage.local:LocalStorage.put_file", "os.fsync(folder)", "pass", SYNCED),
    Guard("jobctl.storage.local:LocalStorage.put_file", "os.unlink(temporary, dir_fd=folder)", "pass",
          LOCAL + "test_a_write_that_breaks_off_leaves_nothing"),
    Guard("jobctl.storage.local:LocalStorage.get", "if len(data) > max_bytes:", "if False:",
          LOCAL + "test_what_is_missing_or_larger_than_recorded_is_not_handed_out"),
    # an outcome is written, once, for its own job
    Guard(WORKER + "outcomes:OutcomeBuffer.tokens", "(*self._ended, *self._locked)", "self._locked", AWAY),
    Guard(WORKER + "outcomes:OutcomeBuffer._flush_lines", "self._lines.put_back(rows)", "pass", AWAY),
    Guard(WORKER + "outcomes:OutcomeBuffer._settle_alone", "return self._settle_failed(outcome, error)", "return {}", ALONE),
    Guard(WORKER + "outcomes:OutcomeBuffer.flush", "self._locked.append(ended)", "pass",
          OUTCOMES + "test_an_outcome_whose_row_is_locked_is_kept_with_its_lease_and_tried_again_with_a_renewal"),
    Guard(WORKER + "dispatch:Dispatcher.isolate", "if len(tokens) == 1:", "if True:", ONE_BY_ONE),
    Guard(WORKER + "dispatch:Dispatcher.isolate", "self._one_by_one = len(tokens)", "pass", ONE_BY_ONE),
    Guard(WORKER + "dispatch:Dispatcher.drop", "if job.token.job_id != job_id", "",
          DISPATCH + "test_a_batch_is_taken_from_the_front_and_what_comes_back_is_next"),
    # what a child process sends
    Guard(WORKER + "channel:Channel._messages", "if size > self._cap:", "if False:",
          CHANNEL + "test_a_length_over_the_cap_is_refused_before_its_bytes_are_read"),
    Guard(WORKER + "channel:check_outcome", "outcome.token != job.token", "False", OWN_OUTCOME),
    Guard(WORKER + "channel:check_outcome", "outcome.failure is None", "False", OWN_OUTCOME),
    Guard(WORKER + "channel:check_outcome", "not stored.path.startswith(", "None is stored.path.startswith(", OWN_OUTCOME),
    Guard(WORKER + "channel:check_progress", "sum(map(len, texts)) > PROGRESS_CAP", "False",
          CHANNEL + "test_progress_that_the_row_could_not_have_is_refused"),
    Guard(WORKER + "channel:check_lines", "len(text) > cap", "False",
          CHANNEL + "test_lines_that_the_log_could_not_have_are_refused"),
    Guard(WORKER + "monitor:ChildMonitor._job_of", "if job_id not in child.assigned:", "if False:",
          MESSAGES + "test_a_message_about_a_job_that_the_child_was_never_sent_is_refused"),
    Guard(WORKER + "monitor:ChildMonitor._on_returned", "if not child.returning_jobs:", "if False:",
          MESSAGES + "test_jobs_that_were_not_asked_back_are_refused"),
    Guard(WORKER + "monitor:ChildMonitor._on_ended", "not self._parts.leases.is_lost(job_id)", "True",
          MESSAGES + "test_the_outcome_of_a_lost_job_is_dropped"),
    Guard(WORKER + "progress:ProgressReporter.update", "max(self._percent, ", "max(0.0, ",
          PROGRESS + "test_percent_is_within_the_span_of_the_stage_and_never_decreases"),
    # a child process ends with its worker; guards without which processes would be left behind: tests/flow/test_descendants.py
    Guard(WORKER + "child:Child._listen", "os._exit(0)", "pass", CHILD + "test_a_child_ends_when_its_channel_ends"),
    Guard(WORKER + "sandbox:confine", "kernel.set_death_signal(signal.SIGKILL)", "pass",
          CHILD + "test_the_kernel_ends_a_child_whose_parent_is_gone"),
    Guard(WORKER + "sandbox:confine", "os.getppid() != guardian", "False",
          CHILD + "test_a_child_whose_parent_was_gone_before_it_asked_ends"),
    Guard(WORKER + "child:Child._handle", "if job_id == self._running:", "if True:",
          CHILD + "test_a_request_for_another_job_does_not_reach_the_running_one"),
]  # fmt: skip
