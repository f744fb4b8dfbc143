"""What operators say for a while, over the file: a target gets nothing new, a model has one target
alone. It ends by itself, and is always shown.
"""
