"""What always holds between the rows. Each statement gives the objects for which it does not; none may."""

from ensue.store.statement import Sql

INVARIANTS: tuple[tuple[str, Sql], ...] = (
    (
        "a run that ended has no step that did not",
        Sql("""
            SELECT r.name FROM runs r WHERE r.completed_at IS NOT NULL AND EXISTS (
                SELECT 1 FROM step_runs s
                WHERE s.namespace = r.namespace AND s.run = r.uid AND s.completed_at IS NULL)
            LIMIT 20
        """),
    ),
    (
        "a run is in a final state exactly when it has an end time",
        Sql("""
            SELECT name FROM runs
            WHERE (completed_at IS NOT NULL) <> (state IN ('Succeeded', 'Failed', 'Cancelled', 'TimedOut'))
            LIMIT 20
        """),
    ),
    (
        "a step is in a final state exactly when it has an end time",
        Sql("""
            SELECT run || '/' || step FROM step_runs
            WHERE (completed_at IS NOT NULL)
                <> (state IN ('Succeeded', 'Failed', 'Cancelled', 'TimedOut', 'Skipped'))
            LIMIT 20
        """),
    ),
    (
        "a step has a worker exactly while it runs",
        Sql("SELECT run || '/' || step FROM step_runs WHERE (worker IS NOT NULL) <> (state = 'Running') LIMIT 20"),
    ),
    (
        "the worker of a step that runs is registered",
        Sql("""
            SELECT s.run || '/' || s.step FROM step_runs s
            WHERE s.state = 'Running' AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = s.worker)
            LIMIT 20
        """),
    ),
    (
        "a run that is open has an open step in its phase",
        Sql("SELECT name FROM runs WHERE completed_at IS NULL AND open_steps <= 0 LIMIT 20"),
    ),
    (
        # Before the phase `finally`, its steps are Pending and do not count.
        "a run's count of open steps is right",
        Sql("""
            SELECT r.name FROM runs r JOIN step_runs s ON s.namespace = r.namespace AND s.run = r.uid
            WHERE r.completed_at IS NULL AND s.completed_at IS NULL
            GROUP BY r.namespace, r.name, r.phase, r.open_steps
            HAVING r.open_steps > count(*) OR (r.phase = 'finally' AND r.open_steps < count(*))
                OR r.open_steps < sum(CASE WHEN s.state = 'Pending' THEN 0 ELSE 1 END)
            LIMIT 20
        """),
    ),
    (
        "a step that waits for dependencies waits for at least one",
        Sql("""
            SELECT s.run || '/' || s.step FROM step_runs s
            JOIN runs r ON r.namespace = s.namespace AND r.uid = s.run
            WHERE r.completed_at IS NULL AND s.state = 'Pending'
                AND s.waiting_for < CASE WHEN r.phase = 'finally' THEN 1 ELSE 0 END
            LIMIT 20
        """),
    ),
    (
        "a step that sleeps has a timer",
        Sql("""
            SELECT s.run || '/' || s.step FROM step_runs s
            WHERE s.state = 'Waiting' AND s.reason = 'Timer' AND NOT EXISTS (
                SELECT 1 FROM timers t
                WHERE t.namespace = s.namespace AND t.run = s.run AND t.step = s.step AND t.item = s.item)
            LIMIT 20
        """),
    ),
    (
        "a step that waits for a run has one that is of it and goes on, or its answer",
        Sql("""
            SELECT s.run || '/' || s.step FROM step_runs s
            WHERE s.state = 'Waiting' AND s.reason IN ('Workflow', 'Cancelling', 'TimingOut')
                AND NOT EXISTS (
                    SELECT 1 FROM runs c WHERE c.namespace = s.namespace AND c.name = s.handle
                        AND c.parent = s.run || '/' || s.step || '/' || s.item || '/' || s.attempt
                        AND c.completed_at IS NULL)
                AND NOT EXISTS (
                    SELECT 1 FROM timers t
                    WHERE t.namespace = s.namespace AND t.run = s.run AND t.step = s.step AND t.item = s.item
                        AND t.kind = 'answer')
            LIMIT 20
        """),
    ),
    (
        "every try of a step that ended is recorded once",
        Sql("""
            SELECT s.run || '/' || s.step FROM step_runs s
            WHERE s.completed_at IS NOT NULL AND s.attempt <> (
                SELECT count(*) FROM attempts a
                WHERE a.namespace = s.namespace AND a.run = s.run AND a.step = s.step AND a.item = s.item)
            LIMIT 20
        """),
    ),
    (
        # A replay has an id of its own.
        "an ended run is told of once: in the outbox or in the feed",
        Sql("""
            WITH told AS (
                SELECT namespace, run FROM outbox WHERE type <> 'dev.ensue.run.started.v1'
                UNION ALL
                SELECT namespace, subject FROM events
                WHERE source = '/ensue/runs' AND type <> 'dev.ensue.run.started.v1'
                    AND id = subject || '/' || type)
            SELECT min(r.name) FROM told t JOIN runs r ON r.namespace = t.namespace AND r.uid = t.run
            WHERE r.completed_at IS NOT NULL GROUP BY t.namespace, t.run HAVING count(*) > 1
            LIMIT 20
        """),
    ),
    (
        "an event is held exactly while a window holds it",
        Sql("""
            SELECT d.event || '/' || d.trigger_name FROM decisions d
            WHERE d.conclusion = 'held' AND NOT EXISTS (
                SELECT 1 FROM windows w
                WHERE w.namespace = d.namespace AND w.trigger_uid = d.trigger_uid AND w.due_at IS NOT NULL)
            LIMIT 20
        """),
    ),
    (
        "a decision is about an event that is stored, and one that fired names its run",
        Sql("""
            SELECT d.event || '/' || d.trigger_name FROM decisions d
            WHERE (d.conclusion = 'fired') <> (d.run IS NOT NULL)
                OR NOT EXISTS (SELECT 1 FROM events e WHERE e.namespace = d.namespace AND e.uid = d.event)
            LIMIT 20
        """),
    ),
    (
        "an event starts one run of a trigger at most",
        Sql("""
            SELECT min(name) FROM runs WHERE event_uid IS NOT NULL AND rerun_of IS NULL
            GROUP BY namespace, event_uid, trigger_name HAVING count(*) > 1 LIMIT 20
        """),
    ),
    (
        "a definition in use is stored",
        Sql("""
            SELECT r.name FROM runs r
            WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.hash = r.definition_hash)
            LIMIT 20
        """),
    ),
    (
        "log segments of an attempt follow each other without gap or overlap",
        Sql("""
            SELECT a.run || '/' || a.step FROM log_segments a
            WHERE a.start_offset > 0 AND NOT EXISTS (
                SELECT 1 FROM log_segments b
                WHERE b.namespace = a.namespace AND b.run = a.run AND b.step = a.step
                    AND b.item = a.item AND b.attempt = a.attempt AND b.end_offset = a.start_offset)
            LIMIT 20
        """),
    ),
    (
        "a secret is sealed: a nonce of 12 bytes, a body with a tag of 16",
        Sql("""
            SELECT namespace || '/' || name FROM secrets
            WHERE length(nonce) <> 12 OR length(body) < 16 OR key_id = ''
            LIMIT 20
        """),
    ),
)
