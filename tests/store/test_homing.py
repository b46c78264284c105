"""A run's process steps stay on one worker."""

