"""Mutations of events, what triggers make of them, and the files that define these."""

from tests.mutations.mutation import Mutation

_UNLOCKED = """\
            yield LOCK(*key, 0)
            found = yield Sql(
                'SELECT memory FROM windows WHERE namespace = $1 AND kind = $2 AND trigger_uid = $3 AND key = $4'
            )(*key)
"""

FOLLOWED = "what followed files define is there, once, and none is changed past its manager"
SEEN = "each time of a schedule is told once, and each change of a file"
TAKEN = "an accepted event is stored once, decided once per trigger, and what ensues begins in the same commit"
CALM = "one event leads to no endless chain of runs and to no storm"
EXACT = "windows are exact, whoever asks at the same time"

MUTATIONS: tuple[Mutation, ...] = (
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
        name="gone-rules-stay",
        guarantee=TAKEN,
        edits=(("runtime/ruling.py", 'if ("Trigger", rule.name) in stay}', "}"),),
        test="tests/operations/test_rulebooks.py::test_only_what_was_changed_is_read_again_and_rules_that_stay_are_kept",
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
        name="storms-not-counted",
        guarantee=CALM,
        edits=(("core/windows.py", "stormed=memory.stormed + (conclusion is Conclusion.FIRED)", "stormed=0"),),
        test="tests/operations/test_storms.py::test_triggers_that_see_the_runs_of_each_other_come_to_an_end",
    ),
    Mutation(
        name="loops-not-stopped",
        guarantee=CALM,
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
        name="scripts-not-followed",
        guarantee=FOLLOWED,
        edits=(("following/reading.py", " and known.scripts == scripts", ""),),
        test="tests/following/test_scripts.py::test_a_changed_script_is_another_version_of_the_workflow",
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
)
