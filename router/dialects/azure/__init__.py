"""Azure OpenAI: OpenAI's dialect at other paths, with a key in another header.

Its API at `/openai/v1` needs nothing of this room: a model there is a deployment's name.
"""
