"""What an edit of providers.yaml would do, before it does it: recorded traffic through both files.

Why: who edits weights, prices or limits should see what becomes of share, cost, waits and errors.
Must not: ask a provider, touch a running router, or decide anything that the engine decides: both
files are driven in the simulator, by the engine and the courses that serve.
"""
