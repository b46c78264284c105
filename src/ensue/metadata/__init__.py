"""The API that a running step talks to, as relay's step images know it: plain ASGI on a port of its own.

`application` answers any `ports.metadata.Door`; `attempts` is the one of stored runs, `sample` that of a sample file.
"""
