"""Our signatures are those that AWS's own signer makes."""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from router.upstream.sigv4 import Audience, AwsKeys, signature

INSTANT = 1_771_718_400.0
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
STEP = st.one_of(st.sampled_from(["", ".", "..", "model"]), st.text(max_size=8).map(quote), TEXT)
PATH = st.lists(
    STEP.map(lambda step: step.translate({ord(c): None for c in "?#%"})), max_size=6
).map(lambda steps: "/" + "/".join(steps))
ENCODED = st.text(max_size=12).map(lambda text: "/model/" + quote(text, safe="") + "/converse")
NAME = st.text(st.sampled_from("abcdefghij-"), min_size=1, max_size=8).map(lambda name: "h" + name)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
PAIR = st.tuples(NAME, st.text(max_size=6).map(lambda text: quote(text, safe="")))


def by_botocore(keys: AwsKeys, method: str, url: str, headers: dict[str, str], body: bytes):
    request = AWSRequest(method, url, headers=headers, data=body)
    signer = auth.SigV4Auth(
        Credentials(keys.id, keys.secret, keys.session or None), "bedrock", "eu-west-1"
    )
    told = datetime.fromtimestamp(INSTANT, UTC)
    with patch.object(auth, "get_current_datetime", lambda **_: told.replace(tzinfo=None)):
        signer.add_auth(request)
    return dict(request.headers.items())


@given(
    method=st.sampled_from(["POST", "GET"]),
    path=PATH | ENCODED,
    query=st.lists(PAIR, max_size=4),
    headers=st.dictionaries(NAME, VALUE, max_size=4),
    body=st.binary(max_size=64),
    session=st.sampled_from(["", "a/session+token=="]),
)
@example("POST", "/model/a%3A0/converse", [], {"user-agent": "x", "expect": "y"}, b"{}", "")
@example("POST", "/", [("b", "1"), ("a", "2"), ("a", "1")], {"h-a": "  two   blanks "}, b"", "")
def test_a_signature_is_the_one_that_aws_s_own_signer_makes(
    method, path, query, headers, body, session
) -> None:
    keys = AwsKeys("AKIDEXAMPLE", "a/secret+key", session)
    if query:
        path += "?" + "&".join(f"{name}={value}" for name, value in query)
    host = "bedrock-runtime.eu-west-1.amazonaws.com"
    theirs = by_botocore(keys, method, f"https://{host}{path}", headers, body)
    audience = Audience("eu-west-1", "bedrock")
    ours = signature(keys, audience, method, path, {"host": host, **headers}, body, INSTANT)
    named = {name.lower(): value for name, value in theirs.items()}
    assert ours == {name: named[name] for name in ours}
    assert ("x-amz-security-token" in ours) is bool(session)


def test_keys_are_never_shown() -> None:
    shown = repr(AwsKeys("AKIDEXAMPLE", "the-secret", "the-session"))
    assert "secret" not in shown.replace("secret=", "")
    assert "the-session" not in shown
