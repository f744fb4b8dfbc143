"""The cheap tier first: its answer is checked before the client gets it, and a dearer tier is asked
where it does not pass.
"""
