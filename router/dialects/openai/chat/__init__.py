"""Chat completions in the common form, both halves: between OpenAI's dialect and others.

Where client and provider both speak it nothing of this is used: bytes pass as they came.
"""
