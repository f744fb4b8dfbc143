"""From a configuration to what runs: once, when a file is put in force. Requests read what is made
here, and ask nothing of it.
"""
