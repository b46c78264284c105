"""The mutations: each takes away what keeps one guarantee, and names the test that must notice."""

from tests.mutations import access, approvals, boxes, engines, events, foresight, leftovers, relay_files, runs, titles

MUTATIONS = (
    *runs.MUTATIONS,
    *events.MUTATIONS,
    *access.MUTATIONS,
    *approvals.MUTATIONS,
    *engines.MUTATIONS,
    *boxes.MUTATIONS,
    *titles.MUTATIONS,
    *leftovers.MUTATIONS,
    *foresight.MUTATIONS,
    *relay_files.MUTATIONS,
)
