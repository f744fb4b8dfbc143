"""Documents that an instance, or a fleet, keeps over a restart: what operators have said, and how
far something has come. Small, few, and changed by people; nothing of a request.
"""
