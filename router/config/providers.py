"""Providers with their presets, likenesses and credentials resolved.

Why: the rest of the router should see an address, a key and limits, whoever said them.
Must not: fail because a provider is switched off; that is a note, and a state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from router.config import variables
from router.config.counts import AS_WRITTEN, Counts, counted
from router.config.credentials import Credentials
from router.config.models import known_lacks
from router.config.only import place_of
from router.config.presets import PRESETS, Preset
from router.config.problems import Report, quoted
from router.config.prompts import prompts_of
from router.config.schema import Limits, Provider, ProviderModel, Simulation, Timeouts
from router.config.tls import resolve_tls
from router.config.tree import Leaf, Table, find, shown
from router.config.values import Secret
from router.config.variants import check_variant, price_of, upstream_of
from router.config.written import WrittenLimits, WrittenProvider

_SIMULATION = tuple(key.name for key in fields(Simulation))
_NOT_SIMULATED = (
    "preset", "base_url", "auth", "api_key", "tls", "proxy", "connections"
)  # fmt: skip
_LABEL = re.compile(r"[a-z0-9-]+")
VERSIONED = "/openai"
"""The path of Azure's API with versions, which stand behind each request's own."""
_ADDRESSES = ("preset", "like", "base_url")


def resolve_providers(
    written: Mapping[str, WrittenProvider],
    timeouts: Timeouts,
    environ: Mapping[str, str],
    tree: Table,
    report: Report,
) -> dict[str, Provider]:
    """Every provider whose likeness leads somewhere; `environ` has the variables of presets."""
    resolver = _Resolver(written, timeouts, environ, tree, report)
    found = {name: resolver.provider(name) for name in written}
    return {name: provider for name, provider in found.items() if provider}


@dataclass(frozen=True, slots=True)
class _Resolver:
    written: Mapping[str, WrittenProvider]
    timeouts: Timeouts
    environ: Mapping[str, str]
    tree: Table
    report: Report

    def provider(self, name: str) -> Provider | None:
        chain = self._chain(name)
        if chain is None:
            return None
        given = {k: v for link in reversed(chain) for k, v in self.written[link].given().items()}
        merged = WrittenProvider.model_construct(**given)
        self._check_own_keys(name, merged)
        self._note_plain_key(name)
        self._check_models(name, merged)
        preset = PRESETS.get(merged.preset or "")
        dialect = merged.dialect or (preset.dialect if preset else "openai")
        simulated = dialect == "simulated"
        base_url = None if simulated else self._base_url(name, merged, preset)
        auth, api_key = Credentials(
            name, merged, preset, self.environ, self.tree, self.report
        ).resolve()
        return Provider(
            name=name,
            company=merged.preset,
            region=merged.region,
            dialect=dialect,
            base_url=base_url or None,
            api_key=api_key or None,
            headers=preset.headers if preset else MappingProxyType({}),
            tls=resolve_tls(self._by(chain, "tls") or name, merged.tls, self.tree, self.report),
            proxy=merged.proxy,
            connections=merged.connections,
            asks_usage=preset.asks_usage if preset else True,
            native=preset.native if preset and not merged.api_version else MappingProxyType({}),
            keeps=bool(preset and preset.keeps and not merged.api_version),
            limits=resolve_limits(merged.limits),
            models=MappingProxyType(
                {key: self._model(key, merged, dialect) for key in merged.models}
            ),
            off_because=None if simulated else self._off(chain, merged, base_url, api_key),
            auth=auth,
            service=preset.service if preset else None,
            api_version=merged.api_version,
            counts=preset.counts if preset else AS_WRITTEN,
        )

    def _chain(self, name: str) -> list[str] | None:
        """`name`, what it is like, and so on; None if that ends nowhere, or never."""
        chain = [name]
        while (like := self.written[chain[-1]].like) is not None:
            leaf = find(self.tree, ("providers", chain[-1], "like")).node
            if like not in self.written:
                others = self.written.keys() - {chain[-1]}
                self.report.problem(
                    leaf.mark,
                    f"like: there is no provider {shown(leaf)}",
                    self.report.nearest(like, others),
                )
                return None
            if like in chain:
                circle = " → ".join([chain[-1], *chain[chain.index(like) :]])
                self.report.problem(
                    leaf.mark, f"like goes round in a circle: {circle}", "remove one `like`"
                )
                return None
            chain.append(like)
        return chain

    def _check_own_keys(self, name: str, merged: WrittenProvider) -> None:
        own = self.tree.table("providers").table(name)
        simulated = self.written[name].dialect == "simulated"
        if "preset" in own.entries and "like" in own.entries:
            mark = own.entries["like"].key.mark
            self.report.problem(mark, "both preset and like", "keep one of them")
        if simulated:
            for key in _NOT_SIMULATED:
                if key in own.entries:
                    what = f"a simulated provider has no {key}"
                    self.report.problem(own.entries[key].key.mark, what, "remove it")
        elif not own.entries.keys() & {*_ADDRESSES}:
            mark = find(self.tree, ("providers", name)).key.mark
            what = f"provider {quoted(name)} has no address"
            remedy = "give it a preset, a base_url, or `like: another`; or `dialect: simulated`"
            self.report.problem(mark, what, remedy)

        if "api_version" in own.entries and not self._azure(name, merged.preset):
            mark = own.entries["api_version"].key.mark
            what = "api_version is for Azure's API"
            self.report.problem(mark, what, "remove it, or write `preset: azure`")

    def _azure(self, name: str, preset: str | None) -> bool:
        known = PRESETS.get(preset or "")
        return (self.written[name].dialect or (known.dialect if known else "")) == "azure"

    def _note_plain_key(self, name: str) -> None:
        entry = self.tree.table("providers").table(name).entries.get("api_key")
        leaf = entry.value if entry is not None else None
        if isinstance(leaf, Leaf) and leaf.value and not variables.names(leaf):
            what = f"the key of provider {quoted(name)} stands in the file"
            self.report.note(leaf.mark, what, 'keep it in the environment: "${NAME}"')

    def _check_models(self, name: str, merged: WrittenProvider) -> None:
        models = self.tree.table("providers").table(name).table("models")
        preset = PRESETS.get(merged.preset or "")
        dialect = merged.dialect or (preset.dialect if preset else "openai")
        for model, entry in models.entries.items():
            if not model.isprintable() or not model or " " in model:
                self.report.problem(entry.key.mark, "no upstream has such a name", "correct it")
            check_variant(model, merged.models, (merged.preset or "", dialect), entry, self.report)
            if not isinstance(entry.value, Table):
                continue
            if "api" in entry.value.entries and dialect not in ("openai", "azure"):
                mark = entry.value.entries["api"].key.mark
                what = f"a model of the dialect {dialect} has no other api"
                self.report.problem(mark, what, "remove it")
            if dialect == "simulated":
                continue
            for key in entry.value.entries.keys() & {*_SIMULATION}:
                what = f"{key} is for models of a simulated provider"
                mark = entry.value.entries[key].key.mark
                self.report.problem(mark, what, "remove it, or write `dialect: simulated`")

    def _base_url(self, name: str, merged: WrittenProvider, preset: Preset | None) -> str | None:
        if merged.base_url:
            if preset and merged.api_version:
                preset = replace(preset, path=VERSIONED)
            return preset.completed(merged.base_url) if preset else merged.base_url
        wrong = "base_url" in self.tree.table("providers").table(name).entries
        if merged.base_url is None and preset and preset.base_url is None and not wrong:
            mark = find(self.tree, ("providers", name, "preset")).node.mark
            what = f"preset {merged.preset} needs a base_url"
            self.report.problem(mark, what, 'write base_url: "${NAME:-}", and set NAME to it')
        if merged.base_url is not None or preset is None or preset.base_url is None:
            return merged.base_url
        if "{region}" not in preset.base_url:
            return preset.base_url
        return self._in_region(name, merged, preset.base_url)

    def _in_region(self, name: str, merged: WrittenProvider, base_url: str) -> str | None:
        own = self.tree.table("providers").table(name).entries
        mark = find(self.tree, ("providers", name)).key.mark
        if "region" in own:
            mark = own["region"].value.mark
        if merged.region is None:
            what = f"preset {merged.preset} needs a region"
            self.report.problem(mark, what, "write region: us-east-1, or another")
        elif not _LABEL.fullmatch(merged.region):
            self.report.problem(mark, "no address has such a region", "write it as us-east-1")
        else:
            return base_url.format(region=merged.region)
        return None

    def _off(
        self,
        chain: list[str],
        merged: WrittenProvider,
        base_url: str | None,
        api_key: Secret | None,
    ) -> str | None:
        """Why the provider is off, if it is."""
        missing = "base_url" if base_url == "" else "api_key"
        if base_url != "" and (api_key is None or api_key):
            return None
        by = self._by(chain, missing)
        leaf = find(self.tree, ("providers", by or chain[0], missing)).node
        unset = variables.names(leaf) if isinstance(leaf, Leaf) else ()
        if by is None:
            unset = (PRESETS[merged.preset or ""].key or "",)
        reason = f"{unset[0]} is not set" if unset else f"its {missing} is empty"
        own = find(self.tree, ("providers", chain[0]))
        what = f"provider {quoted(chain[0])} is off: {reason}"
        mark = leaf.mark if by == chain[0] else own.key.mark
        self.report.note(mark, what, "set it to switch the provider on")
        return reason

    def _by(self, chain: Sequence[str], key: str) -> str | None:
        """Who of a chain says `key` for whom it begins with."""
        return next((n for n in chain if key in self.written[n].model_fields_set), None)

    def _model(self, key: str, provider: WrittenProvider, dialect: str) -> ProviderModel:
        own = provider.models[key]
        name, model = upstream_of(key, provider.models)
        given = model.given()
        timeouts = provider.timeouts.given() | own.timeouts.given()
        simulation = {key: given[key] for key in _SIMULATION if key in given}
        return ProviderModel(
            name=name,
            context=model.context,
            output=model.output,
            lacks=frozenset(given["lacks"]) if "lacks" in given else known_lacks(name),
            api=model.api or "chat",
            price=price_of(key, provider.models, provider.preset or dialect, model),
            limits=resolve_limits(own.limits),
            timeouts=replace(self.timeouts, **timeouts),
            simulation=Simulation(**simulation) if dialect == "simulated" else None,
            counts=_counts(provider.preset, name),
            tokenizer=model.tokenizer,
            prompts=prompts_of(provider.preset, name),
            # Azure asks for a deployment by its name, whatever model is deployed there.
            sent=key if dialect == "azure" and key != name else None,
            service_tier=own.service_tier,
            provisioned=bool(own.provisioned),
            place=place_of(provider, model),
        )


def _counts(preset: str | None, model: str) -> Counts:
    known = PRESETS.get(preset or "")
    return counted(preset or "", known.counts, model) if known else AS_WRITTEN


def resolve_limits(written: WrittenLimits) -> Limits:
    """Limits as they bind."""
    return Limits(**written.given())
