"""Mutations of what becomes of runs, steps and logs."""

from tests.mutations.mutation import Mutation

_DRAINING = "tests/faults/test_draining.py::test_a_server_on_sqlite_ends_at_once_and_the_next_one_adopts_its_steps"
_LOST = "tests/faults/test_supervisor.py::test_steps_end_with_a_killed_supervisor_and_follow_on_lost"
_ZOMBIE = "tests/faults/test_takeover.py::test_a_server_that_slept_past_its_lease_changes_nothing_and_stops_nothing"
_AWAY = "tests/faults/test_database_away.py::test_nothing_is_lost_when_postgres_stops_and_crashes_under_load"
_CLOCKS = "tests/faults/test_clocks.py::test_a_server_with_a_wrong_clock_neither_expires_others_nor_is_expired"
_DEAF = "tests/faults/test_waking.py::test_without_wake_ups_runs_end_timers_fire_and_cancels_arrive"

ACCEPTED = "an accepted start is never lost and is one run"
RECORDED = "a step is started at least once and its end is recorded once"
TOLD = "the end of a run is told once"
ADOPTED = "what runs on is adopted; what is lost follows onLost"
FENCED = "a zombie changes nothing and stops nothing"
BELIEVED = "a worker is given up only when its lease has lapsed by the store's clock"
WHOLE = "a log has no gap and no doubled line"
ENDING = "every run ends, whatever was lost on the way"
DEAD = "a cancelled step is dead within its grace period"
REFUSED = "without room, starts are refused and nothing breaks"
NESTED = "a run within a run begins once, follows its parent and answers it once"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="answered-before-commit",
        guarantee=ACCEPTED,
        edits=(
            (
                "store/sqlite.py",
                "            return False\n        self._end(members)\n",
                "            return False\n        self._deliver(members)\n        self._end(members)\n",
            ),
            (
                "store/sqlite.py",
                '("RELEASE member")\n        self._end(members)\n',
                '("RELEASE member")\n        self._deliver(members)\n        self._end(members)\n',
            ),
            (
                "store/sqlite.py",
                "        else:\n            self._end([member])\n",
                "        else:\n            self._deliver([member])\n            self._end([member])\n",
            ),
        ),
        test="tests/store/test_driver_sqlite.py::test_a_failed_commit_fails_its_whole_group_and_the_next_one_works",
    ),
    Mutation(
        name="commits-not-synced",
        guarantee=ACCEPTED,
        edits=(("store/sqlite_file.py", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"),),
        test="tests/store/test_driver_sqlite.py::test_commits_are_synced_and_foreign_keys_hold",
    ),
    Mutation(
        name="starts-not-idempotent",
        guarantee=ACCEPTED,
        edits=(("operations/runs.py", "start_key=key.key,", "start_key=None,"),),
        test="tests/faults/test_starts.py::test_a_start_repeated_with_its_key_after_a_kill_is_the_same_run",
    ),
    Mutation(
        name="claimed-claimed-again",
        guarantee=RECORDED,
        edits=(("store/claiming.py", "ORDER BY ready_at LIMIT $6 {{skip_locked}})", "ORDER BY ready_at LIMIT $6)"),),
        tries=3,
        test="tests/store/test_runs_together.py::test_fifty_claimants_get_each_step_once",
    ),
    Mutation(
        name="run-not-locked-by-finish",
        guarantee=RECORDED,
        edits=(
            (
                "store/saving.py",
                "FROM runs WHERE namespace = $1 AND uid = $2 {{for_update}}",
                "FROM runs WHERE namespace = $1 AND uid = $2",
            ),
        ),
        test="tests/store/test_runs_together.py::test_parallel_steps_of_one_run_that_end_together_are_all_counted",
        tries=3,
    ),
    Mutation(
        name="outcome-dropped-while-store-away",
        guarantee=RECORDED,
        edits=(
            ("runtime/runner.py", 'log.warning("cannot record the end of %s: %s", lease.key.title, error)', "raise"),
        ),
        test="tests/runtime/test_outages.py::test_an_outcome_waits_for_the_store_to_come_back",
    ),
    Mutation(
        name="outbox-not-written",
        guarantee=TOLD,
        edits=(("store/saving.py", "    yield from tell(run, now)\n", "    tell(run, now)\n"),),
        test="tests/store/test_runs.py::test_a_run_ends_with_its_last_step_and_is_told_of_once",
    ),
    Mutation(
        name="outbox-written-twice",
        guarantee=TOLD,
        edits=(
            ("store/saving.py", "    yield from tell(run, now)\n", "    for _ in 'no': yield from tell(run, now)\n"),
        ),
        test="tests/store/test_runs.py::test_a_run_ends_with_its_last_step_and_is_told_of_once",
    ),
    Mutation(
        name="repeats-not-collapsed",
        guarantee=TOLD,
        edits=(("store/feed.py", '        id=f"{run}/{type}",\n', '        id=f"{run}/{type}/{uuid.uuid4()}",\n'),),
        test="tests/store/test_feed.py::test_a_row_that_comes_again_collapses",
    ),
    Mutation(
        name="feed-skips-late-commits",
        guarantee=TOLD,
        edits=(
            (
                "store/feed.py",
                "> ({{cursor}}) AND {{settled}} ORDER BY",
                "> ({{cursor}}) ORDER BY",
            ),
        ),
        test="tests/store/test_feed.py::test_what_is_committed_late_is_not_skipped",
    ),
    Mutation(
        name="rerun-instead-of-adoption",
        guarantee=ADOPTED,
        edits=(
            (
                "runtime/stepping.py",
                "if not engine.is_durable or not await patiently",
                "if engine.is_durable or not await patiently",
            ),
        ),
        test=_DRAINING,
    ),
    Mutation(
        name="on-lost-ignored",
        guarantee=ADOPTED,
        edits=(("core/planning.py", "may_rerun = node.step.on_lost is OnLost.RERUN or", "may_rerun = True or"),),
        test=_LOST,
    ),
    Mutation(
        name="leftovers-not-ended",
        guarantee=ADOPTED,
        edits=(
            (
                "engines/process/supervisor.py",
                "rest = strays.end_marked(prefix, patience=10.0)",
                "rest: list[str] = []",
            ),
        ),
        test=_LOST,
    ),
    Mutation(
        name="old-epoch-may-finish",
        guarantee=FENCED,
        edits=(
            (
                "store/saving.py",
                "AND lease_epoch = $6 AND state = 'Running' {{for_update}}",
                "AND lease_epoch >= 0 * $6 AND state = 'Running' {{for_update}}",
            ),
        ),
        test="tests/store/test_runs.py::test_a_finish_with_an_old_epoch_writes_nothing",
    ),
    Mutation(
        name="old-epoch-may-log",
        guarantee=FENCED,
        edits=(
            ("store/moves.py", "AND attempt = $5 AND lease_epoch = $6", "AND attempt = $5 AND lease_epoch >= 0 * $6"),
        ),
        test="tests/store/test_logs.py::test_only_the_current_lease_may_add_or_compact",
    ),
    Mutation(
        name="stale-processes-stay",
        guarantee=FENCED,
        edits=(("runtime/runner.py", "patiently(lambda: self._stepping.sweep(held))", "asyncio.sleep(0)"),),
        test=_ZOMBIE,
    ),
    Mutation(
        name="living-given-up",
        guarantee=BELIEVED,
        edits=(
            ("store/workers.py", "WHERE lease_until < $1 AND id <> $2", "WHERE lease_until > 0 * $1 AND id <> $2"),
            ("store/workers.py", "return bool(found) and found[0][0] >= now", "return False"),
        ),
        test="tests/store/test_workers.py::test_the_living_are_left_alone",
    ),
    Mutation(
        name="lease-not-renewed-while-draining",
        guarantee=BELIEVED,
        edits=(
            (
                "runtime/runner.py",
                "await self._drain()\n",
                "[loop.cancel() for loop in upkeep]\n                await self._drain()\n",
            ),
        ),
        test="tests/runtime/test_outages.py::test_a_server_that_drains_keeps_its_lease_and_hears_what_to_stop",
    ),
    Mutation(
        name="given-up-because-store-was-away",
        guarantee=BELIEVED,
        edits=(("runtime/keeping.py", "if now < self._is_patient_until:", "if now < 0:"),),
        test=_AWAY,
        tries=5,
    ),
    Mutation(
        name="leases-by-local-clock",
        guarantee=BELIEVED,
        edits=(
            (
                "store/workers.py",
                "    if not (yield RENEW(now, now + _micros(ttl), worker)):\n",
                "    if not (yield RENEW(now := __import__('time').time_ns() // 1000, now + _micros(ttl), worker)):\n",
            ),
        ),
        test=_CLOCKS,
    ),
    Mutation(
        name="log-shipped-from-its-beginning",
        guarantee=WHOLE,
        edits=(
            (
                "runtime/stepping.py",
                "offset = await patiently(lambda: self._records.logs.end(lease)) if is_taken_over else 0",
                "offset = 0",
            ),
        ),
        test=_DRAINING,
    ),
    Mutation(
        name="log-end-not-recorded",
        guarantee=WHOLE,
        edits=(("store/runs.py", "        if ending.log:\n", "        if not ending.log:\n"),),
        test="tests/store/test_logs.py::test_the_last_of_the_log_is_recorded_with_the_end",
    ),
    Mutation(
        name="lost-answers-forgotten",
        guarantee=ENDING,
        edits=(("runtime/runner.py", "self._take(None, await self._grants.find())", "await self._grants.find()"),),
        test="tests/runtime/test_outages.py::test_a_start_whose_answer_was_lost_still_runs",
    ),
    Mutation(
        name="only-wake-ups",
        guarantee=ENDING,
        edits=(
            (
                "runtime/runner.py",
                "        wait = POLL_SECONDS\n        if claimant",
                "        wait = 3600.0\n        if claimant",
            ),
        ),
        test=_DEAF,
    ),
    Mutation(
        name="not-killed-after-grace",
        guarantee=DEAD,
        edits=(
            (
                "engines/process/attempt.py",
                "            if not self._kill_group(signal.SIGKILL):\n                self._leave()\n        elif",
                "        elif",
            ),
        ),
        test="tests/faults/test_rough_steps.py::test_a_step_that_ignores_sigterm_is_dead_after_its_grace_period",
    ),
    Mutation(
        name="full-database-unnamed",
        guarantee=REFUSED,
        edits=(("store/sqlite_file.py", "if code == sqlite3.SQLITE_FULL:", "if code == -1:"),),
        test="tests/faults/test_full.py::test_a_full_sqlite_database_refuses_starts_and_goes_on_when_there_is_room",
    ),
    Mutation(
        name="answers-not-left",
        guarantee=NESTED,
        edits=(("store/saving.py", "    if run.parent is not None:\n", "    if False:\n"),),
        test="tests/store/test_nesting.py::test_the_end_of_a_run_is_heard_once_whoever_looks",
    ),
    Mutation(
        name="orders-not-passed-on",
        guarantee=NESTED,
        edits=(("store/nesting.py", "        if step.awaits_run:\n", "        if False:\n"),),
        test="tests/store/test_nesting.py::test_orders_that_change_before_they_are_heard_leave_the_last",
    ),
)
