"""One entry of LiteLLM's `model_list` as a target of ours, with what its account and model say.

Must not: know of the other entries, or of the settings beside the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from router.config import texts
from router.importing import companies
from router.importing.accounts import Accounts, Said, cleaned
from router.importing.companies import LITELLM, Company, family
from router.importing.draft import Block, Draft, Target, Value
from router.importing.outside import Outside, shown
from router.importing.reasons import reason

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_LACKS = {
    "supports_audio_input": "audio",
    "supports_pdf_input": "documents",
    "supports_vision": "images",
    "supports_response_schema": "schema",
    "supports_function_calling": "tools",
}
_ENTRA = ("azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_scope",
          "azure_username", "azure_password")  # fmt: skip
_ROLES = ("aws_profile_name", "aws_role_name", "aws_session_name", "aws_web_identity_token")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A target of the route `group`, and what decides on its share of it."""

    group: str
    target: Target
    line: int
    weight: float | None
    order: float | None
    rpm: int | None
    tpm: int | None


@dataclass(slots=True)
class Deployments:
    """Reads entries. `asked` are models that clients ask for by names that only wildcards match."""

    draft: Draft
    accounts: Accounts
    credentials: Mapping[str, Outside]
    asked: tuple[str, ...]

    def read(self, entry: Outside) -> list[Deployment]:
        """What an entry means: one target, for a wildcard one for each model asked for, or none."""
        line = entry.line("model_name")
        group, params, info = entry.text("model_name"), entry.below("litellm_params"), None
        model = params.text("model")
        if group is None or model is None:
            missing = "model_name" if group is None else "litellm_params.model"
            if not entry.report.failed():
                entry.wrong(entry.table.mark, missing, "is missing", "write it")
            return []
        found = []
        for name, upstream in self._names(group, model, line):
            info = entry.below("model_info")
            one = self._one(name, upstream, entry, params, info)
            found += [one] if one else []
        return found

    def _names(self, group: str, model: str, line: int) -> list[tuple[str, str]]:
        """The name that is asked for and the model behind it, for each that this stands for."""
        if "*" not in group and "*" not in model:
            if not group.isprintable() or " " in group:
                told = f"{shown(group)} is not imported: a model's name has no spaces here"
                self.draft.remarks.remark(line, told)
                return []
            return [(group, model)]
        pattern = re.compile("(.+)".join(map(re.escape, group.split("*"))))
        matches = [match for name in self.asked if (match := pattern.fullmatch(name))]
        told = f"{shown(group)} is a wildcard, and models have names here: import it again with "
        if not matches:
            told += "--model NAME for each that clients ask for"
            self.draft.remarks.remark(line, told)
        return [(m[0], model.replace("*", m[1] if m.groups() else m[0])) for m in matches]

    def _one(
        self, group: str, model: str, entry: Outside, params: Outside, info: Outside
    ) -> Deployment | None:
        line = params.line("model")
        said = self._said(model, params, line)
        if said is None:
            return None
        if " " in said.model or not said.model:
            params.wrong(params.mark("model"), "model", "names no model", "correct it")
            return None
        target = Target(self.accounts.of(said), said.model)
        block = target.account.models.setdefault(target.model, Block())
        responses = "/responses/" in model or info.text("mode") == "responses"
        keys, rpm, tpm = self._settings(entry, params, info)
        if responses and target.account.keys.get("preset") in ("openai", "azure", None):
            keys["api"] = "responses"
        settle(block, keys, line)
        _remark_left(block, "litellm_params", params)
        _remark_left(block, "model_info", info)
        _remark_left(block, "", entry)
        weight, order = params.number("weight"), params.number("order")
        return Deployment(group, target, line, weight, order, rpm, tpm)

    def _said(self, model: str, params: Outside, line: int) -> Said | None:
        """Where it is, or None where that is nobody who is known here."""
        name = params.text("litellm_credential_name")
        if name is not None and name not in self.credentials:
            self.draft.remarks.remark(line, "the credential that it names is not in the file")
        also = self.credentials.get(name or "")

        def told(*keys: str) -> str | None:
            values = [params.text(key) for key in keys]
            values += [also.text(key) for key in keys] if also else []
            return next((value for value in values if value), None)

        base = told("api_base", "base_url")
        if base and "${" not in base:
            params.read(params.table, "api_base", texts.base_url, cleaned(base))
        whose = self._whose(model, params, base, line)
        if whose is None:
            return None
        company, upstream = whose
        aws = tuple(
            filter(None, map(told, ("aws_access_key_id", "aws_secret_access_key",
                                    "aws_session_token")))
        )  # fmt: skip
        clouds = [params.take(key) for key in (*_ENTRA, *_ROLES)]
        said = Said(
            company=company,
            model=upstream,
            line=line,
            api_key=told("api_key"),
            base_url=base,
            version=_version(told("api_version") or _asked_version(base)),
            region=told("aws_region_name", "region_name"),
            aws=aws if len(aws) > 1 else (),
            project=told("vertex_project", "vertex_ai_project"),
            location=told("vertex_location", "vertex_ai_location"),
            by_cloud=any(clouds),
        )
        return _bedrock(said) if company is companies.BEDROCK else said

    def _whose(
        self, model: str, params: Outside, base: str | None, line: int
    ) -> tuple[Company, str] | None:
        company, upstream = _company(model, params.text("custom_llm_provider"), base)
        why = ""
        if "${" in upstream:
            why = "which model it is stands in a variable"
        elif company is None:
            why = "its provider is not known here"
        elif company is companies.VERTEX and "gemini" not in upstream:
            why = "of Vertex AI only Gemini's models are known here"
        if company is None or why:
            self.draft.remarks.remark(line, f"{shown(model)} is not imported: {why}")
            return None
        return company, upstream

    def _settings(
        self, entry: Outside, params: Outside, info: Outside
    ) -> tuple[dict[str, Value], int | None, int | None]:
        """What we say of a model, and its requests and tokens a minute."""
        keys: dict[str, Value] = {}
        context = info.count("max_input_tokens")
        output = info.count("max_output_tokens")
        output = output or info.count("max_tokens")
        lacks: list[Value] = [word for key, word in _LACKS.items() if info.flag(key) is False]
        keys |= {"context": context} if context else {}
        keys |= {"output": output} if output else {}
        keys |= {"lacks": lacks} if lacks else {}
        price = _price(params, info)
        keys |= {"price": price} if price else {}
        rates = []
        for key in ("rpm", "tpm"):
            counts = [outside.count(key) for outside in (params, entry, info)]
            rates.append(next((count for count in counts if count), None))
        rpm, tpm = rates
        limits: dict[str, Value] = {"requests": f"{rpm}/min"} if rpm else {}
        limits |= {"tokens": f"{tpm}/min"} if tpm else {}
        concurrent = params.count("max_parallel_requests")
        limits |= {"concurrent": concurrent} if concurrent else {}
        keys |= {"limits": limits} if limits else {}
        whole, first = params.number("timeout"), params.number("stream_timeout")
        patience = first or whole
        keys |= {"timeouts": {"first_token": seconds(patience)}} if patience else {}
        return keys, rpm, tpm


def seconds(number: float) -> str:
    """A duration, in milliseconds where it is not whole seconds."""
    if number == int(number):
        return f"{int(number)}s"
    return f"{max(1, round(number * 1000))}ms"


def settle(block: Block, keys: Mapping[str, Value], line: int) -> None:
    """Put keys in a model's block. The first that said one has it."""
    for key, value in keys.items():
        if block.keys.setdefault(key, value) != value:
            told = f"says another `{key}` for the same model of the same account"
            block.remark(line, f"{told}: what an earlier entry says stands here")


def _remark_left(block: Block, path: str, outside: Outside) -> None:
    for entry in outside.left():
        key = entry.key.written
        if key in ("weight", "order") or key.startswith("supports_"):
            continue
        told = reason(key)
        if told:
            block.remark(entry.key.mark.line, f"{shown(f'{path}.{key}'.strip('.'))}: {told}")


def _company(model: str, provider: str | None, base: str | None) -> tuple[Company | None, str]:
    """Who has a model, and its name there."""
    company: Company | None
    prefix, slash, rest = model.partition("/")
    if provider:
        own = rest if prefix == provider else model
        return LITELLM.get(provider) or (companies.ANY if base else None), own
    if slash and prefix in LITELLM:
        company = LITELLM[prefix]
        for word in ("responses/", "o_series/"):
            rest = rest.removeprefix(word) if company.preset in ("openai", "azure") else rest
        return (company if company is not companies.ANY or base else None), rest
    if "${" not in model and (company := family(model)):
        return company, model
    return (companies.ANY if base else None), rest if slash else model


def _bedrock(said: Said) -> Said:
    """Without the words before a model that say how it is asked, and where."""
    model, region = said.model, said.region
    for word in ("converse_like/", "converse/", "invoke/"):
        model = model.removeprefix(word)
    where, slash, rest = model.partition("/")
    if slash and _REGION.fullmatch(where):
        model, region = rest, region or where
    return replace(said, model=model, region=region)


def _asked_version(base: str | None) -> str | None:
    """The version that an address of Azure's may say after its `?`."""
    found = re.search(r"[?&]api-version=([0-9a-z-]+)", base or "")
    return found[1] if found else None


def _version(version: str | None) -> str | None:
    """A version that is a date; others are words for the API that has none."""
    dated = version and (
        version.startswith("${") or re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", version)
    )
    return version if dated else None


def _price(params: Outside, info: Outside) -> dict[str, Value]:
    """Dollars a token as dollars per million."""
    price: dict[str, Value] = {}
    for ours, key in (("input", "input_cost_per_token"), ("output", "output_cost_per_token")):
        given = [outside.number(key) for outside in (params, info)]
        told = next((number for number in given if number is not None), None)
        if told is not None:
            price[ours] = round(told * 1e6, 3)
    return price
