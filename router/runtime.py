"""What a request reads once when it comes: the configuration in force, frozen and swapped whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from policies import Engine, Policy, Refused, Request
from policies.policy import UNBARRED
from router.arms import Arms
from router.barring import Barring
from router.caller import Caller
from router.cascade.terms import Terms as Cascade
from router.dialects.contract import Call, ClientError, Operation
from router.dialects.interpreter import Unspoken
from router.estimating import Estimating
from router.ladder import Ladder
from router.quota.sharing import Fleetwide
from router.shadow.terms import Terms
from router.sink import Sink
from router.stored.accounts import Accounts
from router.telemetry.journal import Reader
from router.tenants.identity import Tenant, Tenants
from router.tokenizers.counting import Tokenizers
from router.upstream.transport import Upstream

LONGEST_NAME = 200
"""Characters of an unknown model's name that are compared and shown: it may fill a whole body."""

NO_TARGETS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Runtime:
    """One revision of the configuration, running.

    `deadlines` in seconds by model, `targets` by model as well, and `needs`, the features that a
    model's policy asks for, where it asks for any; `alike`, the targets of one upstream model that
    alone may make a model's embeddings, where it has others; `off` says of a model that cannot
    serve why; `policies` are those a caller may name; `listed` are the models that clients are
    shown, with the Unix time each has been served since; `wary` says, by kind of call and model,
    what some of its targets lack, where they lack anything; for `strict` models nothing that a
    client asks for is left out; `resume` names the models whose answers are gone on with where they
    break off, with whether by any model; `ladders` say what is done once all targets of a model
    have failed, where anything is; `accounts` are those that keep what they made; `fleet` are the
    limits that are kept together with other instances, if there are any; `tokenizers` are those
    that requests are counted with, by the model that they ask for, where its targets name any;
    `estimators` say how hard a request is, by model, where its route names one; `recorded` is the
    part of a model's requests of which decisions are written, where any are; of `shadows` a share
    of a model's requests is asked as well; answers of models with `cascades` are checked; `shifts`
    are both arms of the models whose traffic moves; providers are `hinted` that they may cache the
    prompts of these models; `barring` knows who may not be served where. `targets`, `strict`,
    `wary` and `hinted` know the routes of their canaries as well.
    """

    revision: str
    engine: Engine
    upstreams: Mapping[str, Upstream]
    tenants: Tenants
    deadlines: Mapping[str, float]
    targets: Mapping[str, frozenset[str]]
    off: Mapping[str, str]
    policies: Mapping[str, Policy]
    listed: Mapping[str, int]
    needs: Mapping[str, frozenset[str]]
    alike: Mapping[str, frozenset[str]]
    wary: Mapping[Operation, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    strict: frozenset[str] = frozenset()
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    resume: Mapping[str, bool] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=dict)
    fleet: Fleetwide | None = None
    tokenizers: Mapping[str, Tokenizers] = field(default_factory=dict)
    estimators: Mapping[str, Estimating] = field(default_factory=dict)
    recorded: Mapping[str, float] = field(default_factory=dict)
    shadows: Mapping[str, Terms] = field(default_factory=dict)
    cascades: Mapping[str, Cascade] = field(default_factory=dict)
    shifts: Mapping[str, Arms] = field(default_factory=dict)
    hinted: frozenset[str] = frozenset()
    barring: Barring = field(default_factory=partial(Barring, {}))

    def models(self, tenant: Tenant) -> dict[str, int]:
        """The models that `tenant` is shown: those that it sees, and that may serve it."""
        return {
            name: since
            for name, since in self.listed.items()
            if tenant.sees(name) and self.may_serve(name, tenant)
        }

    def may_serve(self, model: str, tenant: Tenant) -> bool:
        """Whether a target of `model`, or of what it falls back on, is open to `tenant`."""
        if not self.barring.binds:
            return True
        ladder = self.ladders.get(model)
        rungs = () if ladder is None else ladder.models
        return (ladder is not None and ladder.text is not None) or any(
            (self.reached(name) or {name})
            - self.barring.of(tenant.name, (model, name), None).keys()
            for name in (model, *(rung.model for rung in rungs))
        )

    def barred(self, caller: Caller, *models: str) -> Mapping[str, Refused]:
        """The targets that may not be sent what `caller` asks of `models`, of all of them together:
        of one, and of what stands in for it.
        """
        barring, wish = self.barring, caller.wishes.only
        if not barring.binds and wish is None:
            return UNBARRED
        return barring.of(caller.tenant.name, models, wish)

    def admits(self, model: str, tenant: Tenant) -> bool:
        """Whether `tenant` may ask for `model`: a route that it sees, or by its full name a target
        of such a route (any target, where it sees all routes).
        """
        if model not in self.deadlines:
            return False
        if model in self.targets:
            return tenant.sees(model)
        if "target" not in tenant.may:
            return False
        return tenant.models is None or any(model in self.reached(route) for route in tenant.models)

    def route(
        self,
        model: str,
        call: Call,
        caller: Caller,
        only: frozenset[str] | None,
        barred: Collection[str] = (),
    ) -> str:
        """The engine's route for a request for `model`, confined to `only` these targets (None: it
        is not), and `barred` from those: by which arm, where its traffic moves.
        """
        arms = self.shifts.get(model)
        return arms.canary if arms is not None and arms.takes(call, caller, only, barred) else model

    def reached(self, model: str) -> frozenset[str]:
        """The targets of a model, by both arms where its traffic moves."""
        route = self.shifts[model].canary if model in self.shifts else model
        return self.targets.get(route, NO_TARGETS)

    def lacking(self, operation: Operation, model: str) -> frozenset[str] | None:
        """What some of the targets of `model` lack that such a call may require."""
        models = self.wary.get(operation)
        return models.get(model) if models is not None else None

    def counts(self, model: str, caller: Caller) -> bool:
        """Whether some target of `model` that is open to `caller` counts tokens itself."""
        names = self.targets.get(model, {model}) - self.barred(caller, model).keys()
        return any(
            not isinstance(self.upstreams[name].speaks["count_tokens"], Unspoken)
            for name in names
            if name in self.upstreams
        )

    def reaches(self, tenant: Tenant, targets: frozenset[str]) -> bool:
        """Whether a model that `tenant` may ask for has one of `targets`."""
        if tenant.models is None:
            return True
        return any(targets & self.reached(route) for route in tenant.models)

    def embedders(self, model: str) -> frozenset[str] | None:
        """The targets that may make the embeddings of `model`; None: all of its own. Raises
        `ClientError` where every one of them is off.
        """
        alike = self.alike.get(model)
        if alike is None or alike:
            return alike
        message = (
            f"the model {model!r} makes no embeddings now: they are made by the upstream model of "
            "its first target alone, which is off; `embeddings: any_model` allows the others"
        )
        raise _not_found(message)

    def unknown(self, model: str, tenant: Tenant) -> ClientError:
        """What a client is told that asked for a model which it cannot have, with the nearest
        names.
        """
        from difflib import get_close_matches

        if model in self.off and tenant.sees(model):
            message = f"the model {model!r} is off: {self.off[model]}"
        else:
            model = model[:LONGEST_NAME]
            near = get_close_matches(model, self.models(tenant), n=3, cutoff=0.4)
            hint = (
                f"did you mean {' or '.join(map(repr, near))}?"
                if near
                else "GET /v1/models lists all"
            )
            message = f"the model {model!r} does not exist; {hint}"
        return _not_found(message)


def _not_found(message: str) -> ClientError:
    return ClientError(
        404, "invalid_request_error", "model_not_found", message, "model", hopeless=True
    )


Overhear = Callable[[Call, Caller, Request, Runtime, Sink, Reader], tuple[Sink, Reader]]
"""The sink and the journal of a request, overheard where it is to be copied."""
