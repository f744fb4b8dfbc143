"""Calls that pass as they are to the model's target: moderations, rerank, images, audio."""
