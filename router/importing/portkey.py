"""A Portkey config (JSON) as a draft of our file.

Why: such a config says where requests go, and a route says the same.
Must not: read or write a file, or show a key, virtual ones among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from router.config import texts, tree
from router.config.problems import Report
from router.config.reading import read_text
from router.config.tree import Entry, Leaf, Listing, Table
from router.importing import companies, fallbacks
from router.importing.accounts import Accounts, Said, cleaned
from router.importing.companies import PORTKEY, Company, family
from router.importing.deployments import seconds, settle
from router.importing.draft import Block, Draft, Route, Target, Value
from router.importing.litellm import refuse_nothing
from router.importing.outside import Outside, shown
from router.importing.reasons import ASKED, CACHE
from router.importing.settings import remark_left
from router.importing.strategy import Node, tiers

_UNNAMED = "which model clients ask for stands in no target: import it again with --model NAME"
_BRANCH = "which of these is asked is for the client to say: each is a model of its own"


def portkey(text: str, source: str, asked: tuple[str, ...], report: Report) -> Draft:
    """What the config means for the models `asked`, or for the one that its targets name. Problems
    go to `report`; after one, the draft is of no use.
    """
    draft = Draft(f"{source.rpartition('/')[2]} (Portkey)")
    # A tab is blank in JSON, and in its texts it has to be escaped.
    root = read_text(text.replace("\t", " "), report, "begin it with {")
    if root is None:
        return draft
    accounts = Accounts(draft)
    reader = _Reader(draft, accounts)
    for name, node in reader.routes(Outside(_snake(root), report, "", prefix="env."), asked):
        route = draft.routes.setdefault(name, Route())
        if not route.tiers:
            route.tiers = tiers(node, route)
            route.keys |= reader.keys
    draft.routes = {name: route for name, route in draft.routes.items() if route.tiers}
    for route in draft.routes.values():
        fallbacks.form(route, "weighted_round_robin")
    accounts.finish()
    refuse_nothing(draft, report)
    return draft


@dataclass(slots=True)
class _Reader:
    """Reads a config; `keys` are what its root says for every route."""

    draft: Draft
    accounts: Accounts
    keys: dict[str, Value] = field(default_factory=dict)

    def routes(self, root: Outside, asked: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """Every route by its name, with what is asked for it."""
        attempts = root.below("retry").count("attempts")
        if attempts:
            self.keys["retry"] = {"attempts": min(attempts, 1000) + 1}
        strategy = root.below("strategy")
        if strategy.text("mode") == "conditional":
            yield from self._conditional(root, strategy, asked)
            return
        names = asked or tuple(filter(None, [_first_model(root.table)]))
        if not names:
            self.draft.remarks.remark(0, _UNNAMED)
        elif not asked:
            told = "a client named a config, and names a model here: that of the first target"
            self.draft.remarks.remark(0, told)
        for name in names:
            yield name, self.node(root, name, None)

    def _conditional(
        self, root: Outside, strategy: Outside, asked: tuple[str, ...]
    ) -> Iterator[tuple[str, Node]]:
        """A route for each model that a condition asks for; else one by each target's name."""
        named = {}
        for target in root.tables("targets"):
            if (name := target.text("name")) is not None:
                named[name] = target
        for condition in strategy.tables("conditions"):
            then, line = condition.text("then"), condition.table.mark.line
            if then not in named:
                self.draft.remarks.remark(line, "a condition leads to no target: left out")
                continue
            models = _models(condition.take("query"))
            if not models:
                self.draft.remarks.remark(line, f"a condition about something else: {_BRANCH}")
                told = "its name is that of the config's target"
                self.draft.routes.setdefault(then or "", Route()).remark(line, told)
                yield then or "", self.node(named[then or ""], asked[0] if asked else "", None)
            for model in models:
                yield model, self.node(named[then or ""], model, None)
        default = strategy.text("default")
        if default in named:
            first = _first_model(named[default].table) or ""
            for model in asked or (first,):
                yield model or default, self.node(named[default], model, None)
            told = "`default`: a model that no route names is 404 here"
            self.draft.remarks.remark(strategy.line("default"), told)
        remark_left(self.draft.remarks, strategy)
        root.take("strategy")
        self._unsaid(root)
        remark_left(self.draft.remarks, root)

    def node(self, place: Outside, model: str, patience: float | None) -> Node:
        """A strategy or a target, and what is below it."""
        patience = place.number("request_timeout") or patience
        weight = place.number("weight")
        node = Node(place.table.mark.line, weight=1.0 if weight is None else float(weight))
        for key in ("name", "retry"):
            place.take(key)
        retry = place.below("retry")
        if retry.has("attempts") and place.path:
            told = "retry.attempts of one target: sends are counted by route, in its `retry`"
            self.draft.remarks.remark(retry.line("attempts"), told)
        if retry.has("on_status_codes"):
            told = "retry.on_status_codes: which errors lead to another target is fixed"
            self.draft.remarks.remark(retry.line("on_status_codes"), f"{told}: see docs/errors.md")
        self._unsaid(place)
        if place.has("targets"):
            strategy = place.below("strategy")
            mode = strategy.text("mode") or "single"
            node.mode = "loadbalance" if mode == "loadbalance" else "fallback"
            below = place.tables("targets")
            if mode not in ("loadbalance", "fallback"):
                told = "a choice by conditions within another: its first target stands for it"
                self.draft.remarks.remark(node.line, told)
                for key in ("conditions", "default"):
                    strategy.take(key)
                below = below[:1]
            node.below = [self.node(one, model, patience) for one in below]
            remark_left(self.draft.remarks, strategy)
            remark_left(self.draft.remarks, place)
        else:
            node.target = self._target(place, model, patience)
        return node

    def _unsaid(self, place: Outside) -> None:
        for key, told in (("cache", CACHE), ("drop_params", ASKED)):
            if place.take(key) is not None:
                self.draft.remarks.remark(place.line(key), f"{key}: {told}")

    def _target(self, place: Outside, asked: str, patience: float | None) -> Target | None:
        place.take("strategy")
        parameters = place.below("override_params")
        told = parameters.text("model") or asked
        slug, company = self._company(place, told)
        if told.startswith("@"):
            told = told.partition("/")[2] or asked
        deployment = place.text("deployment_id") or place.text("azure_deployment_id")
        model = deployment or told
        if company is None or not model or " " in model or "${" in model:
            what = "a target without a provider that is known here: not imported"
            what = what if model else _UNNAMED
            self.draft.remarks.remark(place.table.mark.line, what)
            remark_left(self.draft.remarks, place)
            return None
        said = self._said(place, company, model)
        before = len(self.draft.accounts)
        account = self.accounts.of(said)
        if slug and len(self.draft.accounts) > before:
            what = "its key is kept by Portkey, and so is who it is: taken by its name"
            account.remark(place.table.mark.line, what)
        block = account.models.setdefault(model, Block())
        if patience:
            timeouts: dict[str, Value] = {"first_token": seconds(patience / 1000)}
            settle(block, {"timeouts": timeouts}, place.table.mark.line)
        for entry in parameters.left():
            what = f"override_params.{entry.key.written}"
            block.remark(entry.key.mark.line, f"{shown(what)}: {ASKED}")
        remark_left(block, place)
        return Target(account, model)

    def _company(self, place: Outside, model: str) -> tuple[str, Company | None]:
        """Who it is; with a slug or a virtual key, who its name begins with."""
        provider, virtual = place.text("provider") or "", place.text("virtual_key") or ""
        slug = next((word for word in (provider, model) if word.startswith("@")), "")
        slug = slug.partition("/")[0].removeprefix("@") or ("" if provider else virtual)
        if slug:
            word = slug.lower().replace("_", "-")
            known = [name for name in PORTKEY if word.startswith(name)]
            guess = PORTKEY[max(known, key=len)] if known else None
            return slug, guess or family(model.partition("/")[2] or model)
        if provider in PORTKEY:
            return "", PORTKEY[provider]
        return "", companies.ANY if place.has("custom_host") else family(model)

    def _said(self, place: Outside, company: Company, model: str) -> Said:
        base = place.text("custom_host")
        resource = place.text("resource_name") or place.text("azure_resource_name")
        if company.preset == "azure" and resource and not base:
            base = f"https://{resource}.openai.azure.com"
        if base and "${" not in base:
            place.read(place.table, "custom_host", texts.base_url, cleaned(base))
        aws = [place.text(f"aws_{key}") for key in ("access_key_id", "secret_access_key",
                                                    "session_token")]  # fmt: skip
        pair = tuple(filter(None, aws))
        key, slug = place.text("api_key"), place.text("virtual_key")
        provider = place.text("provider") or ""
        account = slug or (provider if provider.startswith("@") else None)
        return Said(
            company=company,
            model=model,
            line=place.table.mark.line,
            api_key=key or account,
            kept=not key and account is not None,
            base_url=base,
            version=place.text("api_version") or place.text("azure_api_version"),
            region=place.text("aws_region"),
            aws=pair if len(pair) > 1 else (),
            project=place.text("vertex_project_id"),
            location=place.text("vertex_region"),
        )


def _models(query: tree.Node | None) -> list[str]:
    """The models that a condition asks for, where it asks for nothing else."""
    if not isinstance(query, Table) or list(query.entries) != ["params.model"]:
        return []
    told = query.get("params.model")
    if isinstance(told, Table) and len(told.entries) == 1:
        told = told.get("$eq") or told.get("$in")
    items = told.items if isinstance(told, Listing) else (told,)
    words = [item.value for item in items if isinstance(item, Leaf)]
    names = [word for word in words if isinstance(word, str) and word.isprintable()]
    return [name for name in names if name and " " not in name]


def _first_model(table: Table) -> str | None:
    """The model that the first target names that names one."""
    told = table.table("override_params").get("model")
    if isinstance(told, Leaf) and isinstance(told.value, str):
        name = told.value.partition("/")[2] if told.value.startswith("@") else told.value
        if name and name.isprintable() and " " not in name and "${" not in name:
            return name
    below = table.get("targets")
    for item in below.items if isinstance(below, Listing) else ():
        if isinstance(item, Table) and (name := _first_model(item) or ""):
            return name
    return None


def _snake(node: Table) -> Table:
    """Keys in camelCase as the same in snake_case, which a config may have either way."""
    entries = {}
    for key, entry in node.entries.items():
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in key) if key.isalpha() else key
        entries[name] = Entry(Leaf(entry.key.mark, name, name), _snaked(entry.value, name))
    return Table(node.mark, entries)


def _snaked(value: tree.Node, key: str) -> tree.Node:
    if key in ("query", "override_params"):
        return value
    if isinstance(value, Table):
        return _snake(value)
    if isinstance(value, Listing):
        return Listing(value.mark, tuple(_snaked(item, key) for item in value.items))
    return value
