"""Where a request begins among tiers: the rules that can be written, those that are shipped, and
the contract for estimates of one's own.
"""
