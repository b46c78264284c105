"""The only client of container engines: their Docker-compatible API, of Docker and of Podman."""
