"""A LiteLLM proxy's `config.yaml` as a draft of our file.

Why: whoever has one should be served by the same names, keys and limits in a minute.
Must not: read or write a file, ask anyone, or drop what it does not know without a word.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.config.problems import START, Report
from router.config.reading import read_text
from router.config.tree import Table
from router.importing import fallbacks
from router.importing.accounts import Accounts
from router.importing.deployments import Deployment, Deployments
from router.importing.draft import Draft, Route, add
from router.importing.outside import Outside, shown
from router.importing.settings import Settings, environment, remark_left


def litellm(text: str, source: str, asked: tuple[str, ...], report: Report) -> Draft:
    """What the file means; `asked` are models that clients ask for and only its wildcards match.
    Problems go to `report`; after one, the draft is of no use.
    """
    draft = Draft(f"{source.rpartition('/')[2]} (LiteLLM)")
    tree = read_text(text, report, "begin it with `model_list:`")
    if tree is None:
        return draft
    top = Outside(tree, report, "")
    accounts = Accounts(draft)
    reader = Deployments(draft, accounts, _credentials(top), asked)
    found = [one for entry in top.tables("model_list") for one in reader.read(entry)]
    settings = Settings(
        top.below("router_settings"), top.below("litellm_settings"), top.below("general_settings")
    )
    policy = settings.policy(draft)
    _limit(found, settings)
    _routes(draft, found, policy)
    _fallbacks(draft, settings, _aliases(draft, settings))
    for route in draft.routes.values():
        fallbacks.form(route, policy)
    settings.defaults(draft)
    settings.shared(draft)
    settings.tenants(draft)
    accounts.finish()
    environment(top, draft)
    settings.left(draft)
    remark_left(draft.remarks, top)
    for name in asked:
        if name not in draft.routes:
            draft.remarks.remark(0, f"--model {shown(name)}: no wildcard of the file matches it")
    refuse_nothing(draft, report)
    return draft


def refuse_nothing(draft: Draft, report: Report) -> None:
    """A file of ours without a model would not be one."""
    if not draft.routes:
        first = "; ".join(map(str, draft.remarks.remarks[:3])) or "is it the right file?"
        report.problem(START, "it names no model that can be imported", first)


def _credentials(top: Outside) -> dict[str, Outside]:
    """What deployments name as their `litellm_credential_name`."""
    found = {}
    for entry in top.tables("credential_list"):
        name = entry.text("credential_name")
        entry.take("credential_info")
        values = entry.below("credential_values")
        if name is not None:
            found[name] = values
    return found


def _limit(found: Iterable[Deployment], settings: Settings) -> None:
    """What at most runs at once on each, where it does not say so itself."""
    most = settings.router.count("default_max_parallel_requests")
    for one in found if most else ():
        keys = one.target.account.models[one.target.model].keys
        limits = keys.setdefault("limits", {})
        if isinstance(limits, dict) and most:
            limits.setdefault("concurrent", most)


def _routes(draft: Draft, found: list[Deployment], policy: str) -> None:
    groups: dict[str, list[Deployment]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    for name, group in groups.items():
        route = draft.routes[name] = Route()
        orders = sorted({one.order for one in group if one.order is not None})
        for order in [*orders, None]:
            members = [one for one in group if one.order == order]
            if members:
                route.tiers.append({})
                _share(route, members, policy)


def _share(route: Route, members: list[Deployment], policy: str) -> None:
    """Put deployments in the last tier, with the weights by which LiteLLM shuffles."""
    shuffled = policy == "weighted_round_robin"
    by_weight = shuffled and any(one.weight is not None for one in members)
    for one in members:
        weight: float = 1.0
        if by_weight:
            weight = one.weight or 0.0
            if one.weight is None:
                route.remark(one.line, "no weight beside others that have one: it has no share")
        elif shuffled and all(other.rpm for other in members):
            weight = one.rpm or 0.0
        elif shuffled and all(other.tpm for other in members):
            weight = one.tpm or 0.0
        before = route.targets()
        if (id(one.target.account), one.target.model) in before and len(route.tiers) > 1:
            route.remark(one.line, "the same target again: it stands in its first tier alone")
            continue
        add(route.tiers[-1], one.target, float(weight))
    if not route.tiers[-1]:
        route.tiers.pop()


def _aliases(draft: Draft, settings: Settings) -> dict[str, str]:
    """Further names of models; those that lead nowhere are remarked on."""
    table = settings.router.below("model_group_alias").table
    found = {}
    for alias, entry in table.entries.items():
        value, hidden = entry.value, False
        outside = Outside(table, settings.router.report, "router_settings.model_group_alias")
        if isinstance(value, Table):
            item = Outside(value, settings.router.report, f"{outside.path}.{shown(alias)}")
            name, hidden = item.text("model"), bool(item.flag("hidden"))
        else:
            name = outside.text(alias)
        line = entry.key.mark.line
        if name not in draft.routes or not alias.isprintable() or " " in alias:
            draft.remarks.remark(line, f"the alias {shown(alias)} leads to no model: left out")
        elif alias not in draft.routes:
            found[alias] = name or ""
        if hidden:
            draft.remarks.remark(line, f"the alias {shown(alias)} is listed: none is hidden here")
    return found


def _fallbacks(draft: Draft, settings: Settings, aliases: dict[str, str]) -> None:
    """Each model's fallbacks, then the aliases, which have those of the model that they name."""
    general = settings.fallbacks("fallbacks", draft.remarks)
    longer = settings.fallbacks("context_window_fallbacks", draft.remarks)
    default = [*general.pop("*", []), *settings.default_fallbacks()]
    for name in draft.routes:
        if name not in general and (others := [other for other in default if other != name]):
            general[name] = others

    def known(told: dict[str, list[str]], key: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, others in told.items():
            for other in (name, *others):
                if aliases.get(other, other) not in draft.routes:
                    what = f"{key}: there is no model {shown(other)}: left out"
                    draft.remarks.remark(settings.router.line(key), what)
            to = [aliases.get(other, other) for other in others]
            if (of := aliases.get(name, name)) in draft.routes:
                to = [other for other in to if other in draft.routes and other != of]
                found[of] = list(dict.fromkeys(to))
        return {name: others for name, others in found.items() if others}

    fallbacks.apply(
        draft.routes, known(general, "fallbacks"), known(longer, "context_window_fallbacks")
    )
    for alias, name in aliases.items():
        route = draft.routes[name]
        draft.routes[alias] = Route(
            dict(route.keys), [], list(route.tiers), route.weighted, list(route.falls_back)
        )
        draft.routes[alias].remark(0, f"an alias of {shown(name)}")
