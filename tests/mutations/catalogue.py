"""The mutations: each takes away what keeps one guarantee, and names the test that must notice."""

from dataclasses import dataclass

Edit = tuple[str, str, str]
"""File below src/ensue, its text, and what stands there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`tries`: how often the test may pass by luck before it counts as blind; a race is not lost every time."""

    name: str
    guarantee: str
    edits: tuple[Edit, ...]
    test: str
    tries: int = 1


_DRAINING = "tests/faults/test_draining.py::test_a_server_on_sqlite_ends_at_once_and_the_next_one_adopts_its_steps"
_LOST = "tests/faults/test_supervisor.py::test_steps_end_with_a_killed_supervisor_and_follow_on_lost"
_ZOMBIE = "tests/faults/test_takeover.py::test_a_server_that_slept_past_its_lease_changes_nothing_and_stops_nothing"
_AWAY = "tests/faults/test_database_away.py::test_nothing_is_lost_when_postgres_stops_and_crashes_under_load"
_CLOCKS = "tests/faults/test_clocks.py::test_a_server_with_a_wrong_clock_neither_expires_others_nor_is_expired"
_DEAF = "tests/faults/test_waking.py::test_without_wake_ups_runs_end_timers_fire_and_cancels_arrive"
_CANARY = "tests/operations/test_canary.py::test_a_secret_is_found_nowhere_after_its_run"

_UNLOCKED = """\
            yield LOCK(*key, 0)
            found = yield Sql(
                'SELECT memory FROM windows WHERE namespace = $1 AND kind = $2 AND trigger_uid = $3 AND key = $4'
            )(*key)
"""

FOLLOWED = "what followed files define is there, once, and none is changed past its manager"
ACCEPTED = "an accepted start is never lost and is one run"
RECORDED = "a step is started at least once and its end is recorded once"
TOLD = "the end of a run is told once"
SEEN = "each time of a schedule is told once, and each change of a file"
ADOPTED = "what runs on is adopted; what is lost follows onLost"
FENCED = "a zombie changes nothing and stops nothing"
BELIEVED = "a worker is given up only when its lease has lapsed by the store's clock"
WHOLE = "a log has no gap and no doubled line"
ENDING = "every run ends, whatever was lost on the way"
DEAD = "a cancelled step is dead within its grace period"
REFUSED = "without room, starts are refused and nothing breaks"
TAKEN = "an accepted event is stored once, decided once per trigger, and what ensues begins in the same commit"
NESTED = "a run within a run begins once, follows its parent and answers it once"
ALLOWED = "nobody does what nothing allows them, and nobody gives themselves more"
CHAINED = "a row of the audit log that was changed, removed or moved is found"
EXACT = "windows are exact, whoever asks at the same time"
HIDDEN = "a secret is in no row, file, log or answer"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="answered-before-commit",
        guarantee=ACCEPTED,
        edits=(
            (
                "store/sqlite.py",
                "        self._end(members)\n        return True\n",
                "        self._deliver(members)\n        self._end(members)\n        return True\n",
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
        name="secrets-not-sealed",
        guarantee=HIDDEN,
        edits=(
            (
                "vaults/local.py",
                "AESGCM(keys.by_id[keys.current]).encrypt(nonce, value, _bound_to(place, keys.current))",
                "value + nonce + b'0000'",
            ),
        ),
        test="tests/vaults/test_local.py::test_a_value_is_opened_in_its_place_alone",
    ),
    Mutation(
        name="sealed-rows-exchangeable",
        guarantee=HIDDEN,
        edits=(
            (
                "vaults/local.py",
                "[FORMAT, place.namespace, place.workflow, place.name, place.key, key_id]",
                "[FORMAT, key_id]",
            ),
        ),
        test="tests/vaults/test_local.py::test_a_value_is_opened_in_its_place_alone",
    ),
    Mutation(
        name="logs-not-masked",
        guarantee=HIDDEN,
        edits=(("runtime/hiding.py", "ready.append((chunk, masked))", "ready.append((chunk, chunk.data))"),),
        test=_CANARY,
    ),
    Mutation(
        name="messages-not-masked",
        guarantee=HIDDEN,
        edits=(("runtime/stepping.py", "outcome=screen.outcome(outcome)", "outcome=outcome"),),
        test=_CANARY,
    ),
    Mutation(
        name="repeats-fire-again",
        guarantee=TAKEN,
        edits=(("store/decisions.py", " if one.is_new]", "]"),),
        test="tests/operations/test_events.py::test_the_same_event_from_many_senders_at_once_fires_once",
    ),
    Mutation(
        name="outdated-rules-decide",
        guarantee=TAKEN,
        edits=(("store/decisions.py", "(yield from definitions.revision_of(namespace)) != revision", "False"),),
        test="tests/operations/test_event_windows.py::test_a_change_between_judging_and_recording_is_met",
    ),
    Mutation(
        name="windows-forgotten",
        guarantee=EXACT,
        edits=(("store/ledger.py", "        yield from self._locked.save(self.now)\n", ""),),
        test="tests/operations/test_event_windows.py::test_no_more_than_the_limit_pass_at_once",
    ),
    Mutation(
        name="windows-not-locked",
        guarantee=EXACT,
        edits=(
            (
                "store/windows.py",
                "DO UPDATE SET expires_at = windows.expires_at\n    RETURNING memory",
                "DO NOTHING\n    RETURNING memory",
            ),
            (
                "store/windows.py",
                "            found = yield LOCK(*key, 0)\n",
                _UNLOCKED,
            ),
        ),
        test="tests/operations/test_event_windows.py::test_two_servers_are_as_exact_as_one",
        tries=5,
    ),
    Mutation(
        name="held-released-twice",
        guarantee=EXACT,
        edits=(("store/ledger.py", "window.hold, window.is_changed = None, True", "window.hold, _ = None, True"),),
        test="tests/operations/test_event_windows.py::test_the_last_of_a_burst_is_held_and_fires_once",
    ),
    Mutation(
        name="loops-not-stopped",
        guarantee=TAKEN,
        edits=(("core/deciding.py", "    if rounds[uid] > MAX_ROUNDS:\n", "    if rounds[uid] > 1000:\n"),),
        test="tests/operations/test_events.py::test_a_run_that_ends_starts_another_and_a_loop_of_runs_ends",
    ),
    Mutation(
        name="ticks-not-named-by-time",
        guarantee=SEEN,
        edits=(
            (
                "sources/cron.py",
                "Happening(type=TICK, id=_text(time),",
                "Happening(type=TICK, id=f'{_text(time)}{id(object())}{id(self)}',",
            ),
        ),
        test="tests/operations/test_schedules.py::test_two_servers_tell_each_tick_once_while_either_is_killed",
    ),
    Mutation(
        name="intervals-begin-anew",
        guarantee=SEEN,
        edits=(
            (
                "store/memories.py",
                "CASE WHEN source_memories.basis = excluded.basis THEN source_memories.memory ELSE excluded.memory END",
                "excluded.memory",
            ),
        ),
        test="tests/operations/test_schedules.py::test_an_interval_counts_from_when_the_source_began_and_outlives_its_server",
    ),
    Mutation(
        name="files-forgotten",
        guarantee=SEEN,
        edits=(
            (
                "sources/file/watching.py",
                "self._known = _read(await",
                "self._known = _read(_written(known)) or _read(await",
            ),
        ),
        test="tests/operations/test_file_sources.py::test_what_happened_while_no_server_ran_is_told_by_the_next_once",
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
    Mutation(
        name="vanished-deleted-at-once",
        guarantee=FOLLOWED,
        edits=(("core/following.py", "is_renamed or now - since >= grace", "is_renamed or now >= since"),),
        test="tests/following/test_follower.py::test_a_document_moves_to_another_file_with_its_uid_and_windows",
    ),
    Mutation(
        name="blind-files-deleted",
        guarantee=FOLLOWED,
        edits=(("core/following.py", "    if problems is not None:\n        return", "    if False:\n        return"),),
        test="tests/following/test_follower.py::test_of_what_is_broken_the_last_good_version_goes_on",
    ),
    Mutation(
        name="manager-not-asked-to-delete",
        guarantee=FOLLOWED,
        edits=(("store/definitions.py", "    if manager is not None:\n", "    if False:\n"),),
        test="tests/store/test_origins.py::test_a_write_of_another_manager_names_the_file",
    ),
    Mutation(
        name="operations-unasked",
        guarantee=ALLOWED,
        edits=(("operations/runs.py", '    permitting.require(identity, "list", "Run", select.namespace)\n', ""),),
        test="tests/operations/test_permissions.py::test_every_operation_asks_before_it_does_anything",
    ),
    Mutation(
        name="denials-not-first",
        guarantee=ALLOWED,
        edits=(("core/permitting.py", "    if denials and not (", "    if denials and not has_role and not ("),),
        test="tests/core/test_permitting.py::test_an_admin_can_take_back_a_denial_of_everything",
    ),
    Mutation(
        name="permissions-give-all",
        guarantee=ALLOWED,
        edits=(
            (
                "core/permitting.py",
                "right.is_denial or asked.verb in roles.NOT_FOR_GIVING.get(asked.kind, ())",
                "right.is_denial",
            ),
        ),
        test="tests/api/test_access.py::test_nobody_gives_himself_more_by_way_of_permissions",
    ),
    Mutation(
        name="triggers-unasked",
        guarantee=ALLOWED,
        edits=(("runtime/intake.py", "bound.failure or firing.denied(", "bound.failure and firing.denied("),),
        test="tests/api/test_access.py::test_a_trigger_acts_as_who_applied_it_as_long_as_they_may",
    ),
    Mutation(
        name="scopes-ignored",
        guarantee=ALLOWED,
        edits=(("core/permitting.py", "is_narrowed=bool(scopes)", "is_narrowed=False"),),
        test="tests/core/test_permitting.py::test_groups_give_roles_and_scopes_narrow_them",
    ),
    Mutation(
        name="links-not-chained",
        guarantee=CHAINED,
        edits=(("model/audit.py", "json.dumps([previous, position,", 'json.dumps(["", position,'),),
        test="tests/core/test_chaining.py::test_a_row_that_was_made_to_fit_shows_in_the_one_after_it",
    ),
    Mutation(
        name="pruning-forgets-link",
        guarantee=CHAINED,
        edits=(("store/audit.py", "        yield MOVE_START(start.position, start.link)\n", ""),),
        test="tests/store/test_audit.py::test_what_retention_deleted_is_not_missed",
    ),
)
