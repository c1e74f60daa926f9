"""Starting Tipline on one machine: its servers, its secrets, its processes and their supervisor.

Nothing here is imported by the application; `scripts/up`, `scripts/test` and the container files
lean on it. `processes` is the one table of what runs, with which role and which secrets.
"""
