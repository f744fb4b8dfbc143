"""What the engine says of itself, in words for people."""

from __future__ import annotations

from policies.engine.breaker import Breaker, State, Trip, Why


def of_breaker(breaker: Breaker) -> str:
    """Why a breaker stands where it stands; empty where there is nothing to say."""
    if breaker.state is State.HEALTHY:
        return ""
    if breaker.state is State.RECOVERING:
        return "recovering" if breaker.last_trip is not None else "new"
    return of_trip(breaker.last_trip) if breaker.last_trip is not None else ""


def of_trip(trip: Trip) -> str:
    """Why a target was ejected."""
    match trip.why:
        case Why.ROW:
            return f"{trip.bad} failures in a row"
        case Why.SHARE:
            return f"{trip.bad} of the last {trip.of} failed"
        case Why.SILENCE:
            return f"{trip.bad} requests past their time without a first token"
        case Why.FATE:
            return f"others of {trip.group} are ejected"
        case Why.PROBE:
            return "the probe failed"
