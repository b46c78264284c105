"""Keeps what files define applied, as long as the server runs."""
