"""How a server that speaks Redis's protocol is spoken to: found, connected to, asked in
milliseconds or not at all, and its faults said in words. Nothing here knows what is kept there.
"""
