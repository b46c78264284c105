"""Mutations of who may do what, what is written down of it, and secrets."""

from tests.mutations.mutation import Mutation

_CANARY = "tests/operations/test_canary.py::test_a_secret_is_found_nowhere_after_its_run"

_ATTEMPTS = "tests/metadata/test_attempts.py"

OVER = "the token of an attempt is worth nothing once its end is recorded"
ALLOWED = "nobody does what nothing allows them, and nobody gives themselves more"
CHAINED = "a row of the audit log that was changed, removed or moved is found"
CHOSEN = "who sends an event chooses no image, address or workflow that the definition does not allow"
HIDDEN = "a secret is in no row, file, log or answer"

MUTATIONS: tuple[Mutation, ...] = (
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
        name="tokens-outlive-attempts",
        guarantee=OVER,
        edits=(("store/reports.py", "WHERE t.hash = $1 AND s.state = 'Running'", "WHERE t.hash = $1"),),
        test=f"{_ATTEMPTS}::test_a_token_ends_with_its_attempt",
    ),
    Mutation(
        name="reports-not-guarded",
        guarantee=OVER,
        edits=(
            (
                "store/reports.py",
                "if not (yield IS_CURRENT(*held(lease))):\n        return False\n    now",
                "now",
            ),
        ),
        test=f"{_ATTEMPTS}::test_a_token_survives_that_another_process_adopts_its_attempt",
    ),
    Mutation(
        name="sensitive-outputs-shown",
        guarantee=HIDDEN,
        edits=(("runtime/hiding.py", "sensitive=outcome.sensitive | sensitive", "sensitive=outcome.sensitive"),),
        test="tests/runtime/test_hiding.py::test_outputs_that_hold_a_secret_in_any_form_are_sensitive",
    ),
    Mutation(
        name="sensitive-outputs-printed",
        guarantee=HIDDEN,
        edits=(("runtime/resolving.py", "self.confidence.hide(found[step][name])", "pass"),),
        test="tests/runtime/test_hiding.py::test_a_sensitive_output_that_another_step_is_given_is_masked_in_its_log",
    ),
    Mutation(
        name="sensitive-parameters-printed",
        guarantee=HIDDEN,
        edits=(("runtime/resolving.py", "self.confidence.hide(lease.parameters[name])", "pass"),),
        test="tests/runtime/test_hiding.py::test_a_sensitive_output_that_a_run_within_is_given_is_masked_in_its_logs_too",
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
    Mutation(
        name="events-choose-images",
        guarantee=CHOSEN,
        edits=(("core/allowing.py", "if image and _is_computed(written.image, flavour)", "if False"),),
        test="tests/runtime/test_stepping.py::test_a_computed_image_runs_in_a_run_of_an_event_only_where_a_pattern_allows_it",
    ),
    Mutation(
        name="events-choose-addresses",
        guarantee=CHOSEN,
        edits=(("core/allowing.py", '    field = _URLS.get(written.kind, "")\n', '    field = ""\n'),),
        test="tests/runtime/test_stepping.py::test_a_computed_url_is_not_asked_in_a_run_of_an_event",
    ),
    Mutation(
        name="addresses-reach-over-hosts",
        guarantee=CHOSEN,
        edits=(("core/allowing.py", "fnmatchcase(url, one) and _has_origin(url, one)", "fnmatchcase(url, one)"),),
        test="tests/core/test_allowing.py::test_a_pattern_of_urls_never_reaches_from_the_host_into_the_path",
    ),
)
