"""Steps as processes of this machine, under a supervisor that outlives the server.

Light on purpose: the supervisor imports this package and must stay small.
"""
