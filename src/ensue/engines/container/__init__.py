"""Engine `container`: steps run in containers of an engine with a Docker-compatible API, which outlive the server.

`engine` is the server's side, `course` sees one attempt through, `places` are its files, `bodies` what is created.
"""
