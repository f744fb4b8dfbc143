"""Who may have what: which model, which target, which policy."""

import pytest

from policies import Band
from router.caller import Caller, Wishes
from router.dialects.contract import ClientError
from router.dialects.openai.dialect import OPENAI
from router.pipeline import admit
from router.stored.owners import Owners
from router.tenants.identity import Tenant
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene
from tests.router.scripted import (
    answer,
    refusal,
)


async def refused(scene: Scene, tenant: Tenant, wishes: Wishes, model: str) -> ClientError:
    with pytest.raises(ClientError) as caught:
        await scene.ask(tenant=tenant, wishes=wishes, model=model)
    assert not scene.kept.requests
    assert caught.value.headers() == {"x-should-retry": "false"}
    return caught.value


NONE = Wishes()
MAY_ALL = Tenant("t", frozenset({"target", "policy"}))


@pytest.mark.parametrize(
    ("tenant", "wishes", "model", "status", "code", "told"),
    [
        (MAY_ALL, NONE, "caht", 404, "model_not_found", "did you mean 'chat' or 'charm'?"),
        (MAY_ALL, NONE, "zzz", 404, "model_not_found", "GET /v1/models"),
        (MAY_ALL, NONE, "asleep", 404, "model_not_found", "is off: nobody has a key"),
        (MAY_ALL, NONE, "a/n", 404, "model_not_found", "does not exist"),
        (Tenant("t", models=frozenset({"other"})), NONE, "chat", 404, "model_not_found", "exist"),
        (
            Tenant("t", frozenset({"target"}), frozenset({"other"})),
            NONE,
            "a/m",
            404,
            "model_not_found",
            "does not exist",
        ),
        (Tenant("t"), NONE, "a/m", 403, "not_allowed", "`may: [target]`"),
        (Tenant("t"), Wishes(target="a/m"), "chat", 403, "not_allowed", "`may: [target]`"),
        (Tenant("t"), Wishes(policy="x"), "chat", 403, "not_allowed", "`may: [policy]`"),
        (
            Tenant("t", frozenset({"target", "policy"})),
            Wishes(priority=Band.SHEDDABLE),
            "chat",
            403,
            "not_allowed",
            "may not choose a priority: `may: [priority]`",
        ),
        (MAY_ALL, Wishes(target="z/m"), "chat", 400, "invalid_header", "no target 'z/m'"),
        (MAY_ALL, Wishes(policy="x"), "chat", 400, "invalid_header", "weighted_round_robin"),
    ],
)
@in_virtual_time
async def test_what_a_tenant_may_not_have_is_refused_with_a_reason(
    tenant: Tenant, wishes: Wishes, model: str, status: int, code: str, told: str
) -> None:
    scene = Scene({"a/m": [answer()]})
    error = await refused(scene, tenant, wishes, model)
    assert (error.status, error.code) == (status, code)
    assert told in error.message


@in_virtual_time
async def test_a_target_that_was_asked_for_is_the_only_one_asked() -> None:
    scene = Scene({"a/m": [answer("from a")], "b/m": [refusal(500)]})
    client = await scene.ask(wishes=Wishes(target="b/m"))
    assert client.status == 502
    assert set(scene.asked) == {"b/m"}


@in_virtual_time
async def test_a_target_can_be_the_model() -> None:
    scene = Scene({"a/m": [answer("from a")], "b/m": [answer("from b")]})
    client = await scene.ask(model="b/m")
    assert client.headers["x-router-target"] == "b/m"
    hidden = Tenant("t", frozenset({"target"}), models=frozenset({"chat"}))
    assert (await scene.ask(model="b/m", tenant=hidden)).status == 200


@in_virtual_time
async def test_a_target_of_another_model_is_the_callers_error_and_not_a_503() -> None:
    scene = Scene({"a/m": [answer()], "b/m": [answer()]})
    client = await scene.ask(model="a/m", wishes=Wishes(target="b/m"))
    assert (client.status, client.error) == (400, "invalid_header")
    assert client.json["error"]["param"] == "x-router-target"
    assert "retry-after" not in client.headers
    assert scene.asked == []


@in_virtual_time
async def test_a_policy_that_was_asked_for_chooses() -> None:
    scene = Scene({"a/m": [answer()], "b/m": [answer()]})
    for _ in range(10):
        await scene.ask()
    assert scene.asked == ["a/m"] * 10
    for _ in range(10):
        await scene.ask(wishes=Wishes(policy="weighted_round_robin"))
    assert sorted(scene.asked[10:]) == ["a/m"] * 5 + ["b/m"] * 5


@in_virtual_time
async def test_a_tenant_that_sees_some_models_may_name_their_targets_and_no_others() -> None:
    tenant = Tenant("t", frozenset({"target"}), frozenset({"chat"}))
    scene = Scene({"a/m": [answer("from a")]})
    client = await scene.ask(tenant=tenant, model="a/m")
    assert client.status == 200


@in_virtual_time
async def test_the_engine_is_told_whose_request_it_is_and_how_urgent() -> None:
    scene = Scene({"a/m": [answer()]})
    team = Tenant("team", frozenset({"priority"}))
    for wishes, band in ((NONE, Band.STANDARD), (Wishes(priority=Band.CRITICAL), Band.CRITICAL)):
        caller = Caller("req_1", team, OPENAI, {}, wishes)
        call = OPENAI.parse(b'{"model": "chat", "messages": [], "tools": [{}]}')
        request = admit(call, caller, scene.runtime, 0.0, Owners(lambda: 0.0))
        assert (request.tenant, request.band) == ("team", band)
        assert request.features == {}  # nobody needs any
