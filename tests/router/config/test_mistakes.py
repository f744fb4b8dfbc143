"""Each mistake, its place (») and its remedy, as a person would read them."""

import pytest

from tests.router.config.samples import MODELS, PROVIDERS, places, said

BASE = PROVIDERS + MODELS
# Four lines: what follows begins on line 5, in the provider `p`.
REAL = "version: 1\nproviders:\n  p:\n    base_url: http://127.0.0.1:9/v1\n"
CHAT = "models:\n  chat: {targets: [p/m]}\n"

SYNTAX = {
    "a tab": ("version: 1\n»\tserver:", "a tab where only spaces", "indent with spaces"),
    "a reserved character": ("version: »@1", "a character that YAML reserves", "quote it"),
    "a colon too many": ("version: a»: b", "a colon where no key can be", "quote the text"),
    "no colon": ("version: 1\n»server", "a line without a colon", "key: value"),
    "an open quote": ("version: »'1", "a quote that is never closed", "close it"),
    "an open bracket": ("version: »[1", "a bracket that is never closed", "close it"),
    "a wrong bracket": ("version: [1»}", "ends wrongly", "separate entries by commas"),
    "nothing to read": ("version: »}", "a value is missing here", "quote it"),
    "indentation": ("a: |\n  x\n »y", "the indentation does not fit", "align it"),
    "a list after a key": ("version: »- b", "a list entry where none can be", "own"),
    "an alias": ("version: »*hunter2", "an alias (*) without an anchor (&)", "quote text"),
    "two anchors": ("a: &a 1\nb: »&a 1", "an anchor (&) with a name that is taken", "another"),
    "two documents": ("version: 1\n»---\na: b", "a second document", "remove the line `---`"),
    "an escape": ('version: "\\»q"', "a backslash that YAML does not know", "single quotes"),
    "a tag": (BASE + "server: {auth: »!hunter2 open}", "a tag (!) that is not known", "remove it"),
    "a tag of another": ("»!x!y z", "a tag (!) that is not known", "remove it"),
    "a set": (BASE + "server: »!!set {auth: open}", "a tag (!) that is not known", "remove it"),
    "a number in an escape": ('a: "\\U»FFFFFFFF"', "this is not valid YAML", "check quotes"),
    "a control character": ("version: 1\na: b»\x07", "a control character (U+0007)", "remove"),
    "half a character": (
        BASE + 'server: {plugins: [»"\\ud800"]}',
        "half of a character",
        "write it as it is",
    ),
    "nothing": ("»", "the file is empty", "begin it with `version: 1`"),
    "only a comment": ("»# version: 1\n", "the file is empty", "begin it with `version: 1`"),
    "a list": ("»- version", "the file is not a mapping", "begin it with `version: 1`"),
    "a key of keys": (BASE + "»[a]: b", "a list or mapping as a key", "quote it"),
    "a merge key": (BASE + "»<<: {server: }", "merge keys (<<) are not read", "`like:`"),
}
SURPRISES = {
    "no": (
        REAL + "    models: [»no, m]\n" + CHAT,
        "no is a boolean to YAML",
        'quote it if it is a name: "no"',
    ),
    "on": (
        BASE + "server: {auth: »On}\n",
        "On is a boolean to YAML",
        'quote it if it is a name: "On"',
    ),
    "a key that is a boolean": (
        REAL + "    models: {»yes: , m: }\n" + CHAT,
        "a boolean to YAML",
        "quote it",
    ),
    "an endpoint for an address": (
        REAL.replace("http:", "»http:").replace("/v1", "/v1/completions")
        + "    models: [m]\n"
        + CHAT,
        "names one endpoint",
        "end it before that",
    ),
    "a key that is a number": (BASE + "  »4: {targets: [sim/fast]}\n", "a number to", "quote it"),
    "a key that is nothing": (BASE + "  »~: {targets: [sim/fast]}\n", "no value to", "quote it"),
    "base 60": (BASE + "defaults: {deadline: »1:30}\n", "in base 60 to YAML", "like 90s"),
    "base 60 with a point": (BASE + "defaults: {deadline: »1:30.5}\n", "in base 60", "like 90s"),
    "octal": (BASE + "defaults: {retry: {attempts: »010}}\n", "is not decimal", "leading 0"),
    "hexadecimal": (BASE + "defaults: {retry: {attempts: »0x1F}}\n", "is not decimal", "0"),
    "a name that is a number": (
        REAL + "    models: [»4, m]\n" + CHAT,
        "not text to YAML",
        "quote it",
    ),
    "true for a name": (BASE + "server: {auth: »true}\n", "auth", "use one of: keys, open"),
    "a variable in braces": (
        REAL + "    models: {m: {context: »${N}}}\n" + CHAT,
        "a variable without quotes",
        'quote it: "${NAME}"',
    ),
    "a variable in brackets": (
        BASE + "tenants: {a: {keys: ['${B:-b}', »${KEY:-}]}}\n",
        "a variable without quotes",
        'quote it: "${NAME}"',
    ),
    "a variable without braces": (
        REAL + "    api_key: »$P_KEY\n    models: [m]\n" + CHAT,
        '"$P_KEY" is text here, and no variable',
        'write it as "${P_KEY}"',
    ),
    "a variable as others name it": (
        REAL + "    api_key: »os.environ/P_KEY\n    models: [m]\n" + CHAT,
        '"os.environ/P_KEY" is text here, and no variable',
        'write it as "${P_KEY}"',
    ),
    "a variable as a key": (
        PROVIDERS + "models:\n  chat: {targets: {»${T}: 1}}\n",
        "a variable without quotes",
        'quote it: "${NAME}"',
    ),
}
KEYS = {
    "unknown": (BASE + "servr: {}\n".replace("s", "»s", 1), '"servr"', 'did you mean "server"?'),
    "unknown far below": (
        BASE + "defaults: {timeouts: {»conect: 3s}}\n",
        'unknown key "conect"',
        'did you mean "connect"?',
    ),
    "unknown in a model": (
        REAL + "    models: {m: {»contxt: 1k}}\n" + CHAT,
        'unknown key "contxt"',
        'did you mean "context"?',
    ),
    "unknown in a tier": (
        PROVIDERS + "models: {chat: {policy: priority, tiers: [{sim/fast: {»wait: 1}}]}}\n",
        'unknown key "wait"',
        'did you mean "weight"?',
    ),
    "unknown and like nothing": (
        BASE + "server: {»zzz: 1}\n",
        'unknown key "zzz"',
        "use one of: admin, admin_token, auth, ",
    ),
    "a word for another key": (
        REAL + "    »api_base: http://127.0.0.1:9/v1\n    models: [m]\n" + CHAT,
        'unknown key "api_base"',
        "write base_url: https://host/v1",
    ),
    "a word for a key of another place": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »retries: 3}}\n",
        'unknown key "retries"',
        "write retry: {attempts: 3}, in a route or under defaults",
    ),
    "no space after a colon": (
        REAL + "    »api_key:hunter2: \n    models: [m]\n" + CHAT,
        'no space after "api_key:"',
        "put one there",
    ),
    "a client's time-out at a provider": (
        REAL + "    models: [m]\n    timeouts: {»client_write: 3s}\n" + CHAT,
        "is about clients, not about a provider",
        "set it under defaults.timeouts",
    ),
    "no version": ("»# none\n" + BASE.split("\n", 1)[1], "the file has no version", "`version: 1`"),
    "another version": (BASE.replace("1", "»2", 1), "this version is not known", "`version: 1`"),
    "a version that is true": (BASE.replace("1", "»true", 1), "is not known", "`version: 1`"),
    "no models": (PROVIDERS + "»models:\n", "there are no models", "declare at least one"),
    "a provider's name": (
        BASE + "tenants: {»a/b: {keys: []}}\n",
        '"a/b" cannot be the name of a tenant',
        "use letters, digits, - _ and .",
    ),
    "a model's name": (
        BASE + "  »my model: {targets: [sim/fast]}\n", "this name holds a space", "use - or _"
    ),
    "a table that is none": (BASE + "server: »here\n", "is not a mapping", "`key: value`"),
    "a section that is none": (
        BASE + "tenants: »[a]\n", "tenants is not a mapping", "`name: value`"
    ),
    "a list that is none": (
        BASE + "server: {hosts: »localhost}\n", 'hosts "localhost" is not a list', "[a, b]"
    ),
    "a list of lists": (
        PROVIDERS + "models: {chat: {targets: »[[sim/fast]]}}\n", "holds something else", "{a: …"
    ),
}  # fmt: skip
VALUES = {
    "a duration": (
        BASE + "defaults: {deadline: »5 minutes}\n",
        'deadline "5 minutes" is not a duration',
        "write it as 250ms, 3s, 5m or 1h",
    ),
    "no value": (BASE + "defaults:\n  deadline:»\n", "deadline has no value", "or remove the key"),
    "nothing to wait for": (
        BASE + "defaults: {deadline: »0}\n", 'deadline "0" must be longer than 0', "3s"
    ),
    "a size": (BASE + "server: {max_body: »32MIB}\n", '"32MIB" is not a size', "32MiB"),
    "a count": (
        REAL + "    models: {m: {context: »lots}}\n" + CHAT, '"lots" is not a count', "200k"
    ),
    "half a count": (REAL + "    models: {m: {context: »1.5}}\n" + CHAT, "is not whole", "200k"),
    "no attempt": (
        BASE + "defaults: {retry: {attempts: »0}}\n", '"0" must be at least 1', "write 1 or more"
    ),
    "a rate": (
        REAL + "    models: [m]\n    limits: {requests: »500}\n" + CHAT,
        'requests "500" is not a rate',
        "write it as 500/min",
    ),
    "a rate in a list": (
        REAL + "    models: [m]\n    limits: {tokens: [1k/s, »1k/week]}\n" + CHAT,
        'tokens "1k/week" is not a rate',
        "write it as 500/min",
    ),
    "a rate of records": (
        BASE + "server: {decisions: {rate: »some}}\n",
        'rate "some" is not a rate',
        "write it as 10/s or 600/min, or all",
    ),
    "a share": (
        BASE + "defaults: {retry: {budget: »20}}\n", "not a number from 0 to 1", "20 % as 0.2"
    ),
    "a weight": (
        PROVIDERS + "models: {chat: {targets: {sim/fast: »-1}}}\n",
        'weight "-1" is not a number, 0 or more',
        "90",
    ),
    "a weight that is missing": (
        PROVIDERS + "models: {chat: {targets: {sim/fast:» }}}\n", "weight has no value", "90"
    ),
    "an address": (
        BASE + "server: {listen: »8080}\n", 'listen "8080" is not an address', "127.0.0.1:8080"
    ),
    "a port": (BASE + "server: {listen: »localhost:99999}\n", "has no port from 0 to", "127"),
    "a choice": (BASE + "server: {auth: »key}\n", '"key" is not known', 'did you mean "keys"?'),
    "a preset": (
        "version: 1\nproviders: {g: {preset: »gorq, models: [m]}}\nmodels: {a: {targets: [g/m]}}",
        'preset "gorq" is not known here',
        'did you mean "groq"?',
    ),
    "a URL": (
        REAL.replace("http://", "»") + "    models: [m]\n" + CHAT,
        "base_url is not a URL",
        "write it as https://host/v1",
    ),
    "a password in a URL": (
        REAL.replace("http://", "»http://me:hunter2@") + "    models: [m]\n" + CHAT,
        "base_url holds a user or a password",
        "use api_key",
    ),
    "a query in a URL": (
        REAL.replace("http://", "»http://").replace("/v1", "/v1?key=hunter2")
        + "    models: [m]\n" + CHAT,
        "base_url goes on after the path",
        "write it as https://host/v1",
    ),
    "a port in a URL": (
        REAL.replace("http://", "»http://").replace(":9/", ":99999/") + "    models: [m]\n" + CHAT,
        "base_url is not a URL",
        "write it as https://host/v1",
    ),
    "a key that is a number": (
        REAL + "    api_key: »1234\n    models: [m]\n" + CHAT, "api_key is not text", "quote it"
    ),
    "a key that no header carries": (
        REAL + '    api_key: »"a\\nhunter2"\n    models: [m]\n' + CHAT,
        "api_key holds a character that no header can carry",
        "check what it is set to",
    ),
    "an origin": (
        BASE + "server: {origins: [»app.example.com]}\n", '"app.example.com" is not an origin',
        "https://app.example.com",
    ),
    "a host with its port": (
        BASE + "server: {hosts: [»example.com:80]}\n", "is not a host name", "without a port"
    ),
    "a host to fetch from": (
        BASE + "server: {fetch: {hosts: [»https://example.com]}}\n", "is not a host", ":8000"
    ),
    "several workers that share nothing": (
        BASE + "server: {workers: »3}\n",
        "workers: 3 needs shared.redis",
        "or serve with one worker",
    ),
    "workers beside a server that is empty": (
        BASE + "server: {workers: »2}\nshared: {redis: ''}\n",
        "workers: 2 needs shared.redis",
        "or serve with one worker",
    ),
    "no worker": (BASE + "server: {workers: »0}\n", "must be at least 1", ""),
    "a module": (BASE + "server: {plugins: [»my-policies]}\n", "not the name of a module", "."),
}  # fmt: skip
REFERENCES = {
    "a target": (
        PROVIDERS + "models: {chat: {targets: {»sim/fsat: 1}}}\n",
        'provider "sim" declares no such model: "sim/fsat"',
        'did you mean "sim/fast"?',
    ),
    "a target's provider": (
        PROVIDERS + "models: {chat: {targets: [»smi/fast]}}\n",
        'there is no target "smi/fast"',
        'did you mean "sim/fast"?',
    ),
    "a target like nothing": (
        PROVIDERS + "models: {chat: {targets: [»sim/mixtral-8x7b]}}\n",
        "declares no such model",
        "declare it under providers.sim.models",
    ),
    "a likeness": (
        BASE.replace("models:\n", "  b: {like: »smi}\nmodels:\n", 1),
        'like: there is no provider "smi"',
        'did you mean "sim"?',
    ),
    "itself": (
        BASE.replace("models:\n", "  b: {like: »b}\nmodels:\n", 1),
        "like goes round in a circle: b → b",
        "remove one `like`",
    ),
    "a tenant's model": (
        BASE + "tenants: {a: {models: [»chta]}}\n",
        'no model "chta"',
        'did you mean "chat"?',
    ),
    "a tenant's rate": (
        BASE + "tenants: {a: {limits: {requests: [5/min, »5/week]}}}\n",
        'requests "5/week" is not a rate',
        "write it as 500/min",
    ),
    "a user's rate": (
        BASE + "tenants: {a: {per_user: {tokens: »5}}}\n",
        'tokens "5" is not a rate',
        "write it as 500/min",
    ),
    "no place for a tenant": (
        BASE + "tenants: {a: {limits: {concurrent: »0}}}\n",
        '"0" must be at least 1',
        "write 1 or more",
    ),
    "a limit that is none": (
        BASE + "tenants: {a: {per_model: {chat: {»request: 5/min}}}}\n",
        'unknown key "request"',
        'did you mean "requests"?',
    ),
    "a limit of no model": (
        BASE + "tenants: {a: {per_model: {»chta: {requests: 5/min}}}}\n",
        'per_model: there is no model "chta"',
        'did you mean "chat"?',
    ),
    "a limit of no endpoint": (
        BASE + "tenants: {a: {per_endpoint: {»embedding: {requests: 5/min}}}}\n",
        'per_endpoint: there is no kind of call "embedding"',
        'did you mean "embeddings"?',
    ),
    "limits of a list": (
        BASE + "tenants: {a: {per_model: »[chat]}}\n",
        "per_model is not a mapping",
        "`name: value`",
    ),
    "a policy": (
        PROVIDERS + "models: {chat: {policy: »least_latncy, targets: [sim/fast]}}\n",
        'there is no policy "least_latncy"',
        'did you mean "least_latency"?',
    ),
    "a plugin": (
        PROVIDERS + "models: {chat: {policy: »mine.policies:Mine, targets: [sim/fast]}}\n",
        'the module of policy "mine.policies:Mine" is not in server.plugins',
        "add it there",
    ),
    "an import path": (
        PROVIDERS + 'models: {chat: {policy: »"mine:", targets: [sim/fast]}}\n',
        'policy "mine:" is not an import path',
        "package.module:attribute",
    ),
    "a variable": (
        REAL + '    api_key: »"${P_KEY}"\n    models: [m]\n' + CHAT,
        "the variable P_KEY is not set",
        "set it, or write ${P_KEY:-} if it may be empty",
    ),
    "no variable": (
        REAL + '    api_key: »"${hunter2-}"\n    models: [m]\n' + CHAT,
        "this is not a variable",
        "write it as ${NAME}, ${NAME:-default} or ${file:PATH}",
    ),
    "an open variable": (
        REAL + '    api_key: »"${P_KEY"\n    models: [m]\n' + CHAT,
        "this is not a variable",
        "write it as ${NAME}, ${NAME:-default} or ${file:PATH}",
    ),
}
LADDERS = {
    "a rung that is nothing": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [»{}]}\n",
        "a rung is one model or one text",
        "write it as {model: NAME} or {text: …}",
    ),
    "a rung that is both": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [»{model: chat, text: sorry}]}\n",
        "a rung is one model or one text",
        "write it as",
    ),
    "a rung that is a word": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [»chat]}\n",
        "is not a mapping",
        "write it as a list of {model: NAME} or {text: …}",
    ),
    "rungs that are no list": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: »{model: chat}}\n",
        "when_all_fail is not a list",
        "write it as a list of {model: NAME} or {text: …}",
    ),
    "a rung of another kind": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{»modle: chat}]}\n",
        'unknown key "modle"',
        'did you mean "model"?',
    ),
    "a text that is missing": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{text:» }]}\n",
        "text has no value",
        "write one",
    ),
    "a rung that leads nowhere": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{model: »chatt}]}\n",
        'there is no model "chatt"',
        'did you mean "chat"?',
    ),
    "a target for a model": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{model: »sim/slow}]}\n",
        'there is no model "sim/slow"',
        "use one of: b, chat",
    ),
    "a rung after a text": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{text: sorry}, »{model: chat}]}\n",
        "after a text nothing is tried",
        "put the text last",
    ),
    "a rung that is the route itself": (
        BASE + "  b: {targets: [sim/fast], when_all_fail: [{model: »b}]}\n",
        "when_all_fail leads in a circle: b → b",
        "remove one of its rungs",
    ),
    "rungs in a circle": (
        BASE
        + "  b: {targets: [sim/fast], when_all_fail: [{model: chat}, {model: c}]}\n"
        + "  c: {targets: [sim/fast], when_all_fail: [{model: d}]}\n"
        + "  d: {targets: [sim/fast], when_all_fail: [{model: chat}, {model: »b}]}\n",
        "when_all_fail leads in a circle: b → c → d → b",
        "remove one of its rungs",
    ),
    "a text that cannot be seen": (
        BASE + '  b: {targets: [sim/fast], when_all_fail: [{text: »"a\\u0007"}]}\n',
        "holds a character that cannot be seen",
        "remove it",
    ),
}
FORMS = {
    "two keys": (
        BASE + "»version: 1\n",
        'duplicate key "version": it is on line 1 already',
        "remove one",
    ),
    "a target twice": (
        PROVIDERS + "models: {chat: {targets: [sim/fast, »sim/fast]}}\n",
        '"sim/fast" stands twice in this list',
        "remove one of the two",
    ),
    "a target in two tiers": (
        PROVIDERS + "models: {chat: {policy: priority, tiers: [[sim/fast], [»sim/fast]]}}\n",
        '"sim/fast" is in tier 1 already',
        "keep it in one tier",
    ),
    "no target": (PROVIDERS + "models: {chat: {targets: »[]}}\n", "no target in it", "at least"),
    "neither": (
        PROVIDERS + "models: {»chat: {deadline: 3s}}\n",
        'route "chat" has no targets',
        "`targets:`",
    ),
    "both": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »tiers: [[sim/slow]]}}\n",
        "both targets and tiers",
        "keep tiers for policy priority",
    ),
    "priority without tiers": (
        PROVIDERS + "models: {chat: {policy: priority, »targets: [sim/fast]}}\n",
        "policy priority takes tiers",
        "write tiers: [[a], [b]]",
    ),
    "tiers without priority": (
        PROVIDERS + "models: {chat: {»tiers: [[sim/fast]]}}\n",
        "only policy priority or cost_tiers takes tiers",
        "write targets, or policy: priority",
    ),
    "a tier that is a name": (
        PROVIDERS + "models: {chat: {policy: priority, tiers: [»sim/fast]}}\n",
        "one name where a list or a mapping of names is meant",
        "write it in brackets: [a]",
    ),
    "within without tiers": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »within: least_latency}}\n",
        "within is for policy priority",
        "remove it",
    ),
    "priority within a tier": (
        PROVIDERS + "models: {chat: {policy: priority, within: »priority, tiers: [[sim/fast]]}}\n",
        "within is for a choice inside one tier",
        "use least_latency or weighted_round_robin",
    ),
    "an option": (
        PROVIDERS
        + "models: {chat: {policy: {name: weighted_round_robin, »price: 1}, "
        + "targets: [sim/fast]}}\n",
        "weighted_round_robin takes no options",
        "remove them",
    ),
    "another option": (
        PROVIDERS
        + "models: {chat: {policy: {name: least_latency, »prices: 1}, targets: [sim/fast]}}\n",
        "least_latency has no such option",
        'did you mean "price"?',
    ),
    "an affinity": (
        PROVIDERS
        + "models: {chat: {policy: {name: least_latency, affinity: »user}, targets: [sim/fast]}}\n",
        'affinity "user" is not known here',
        "use one of: prefix",
    ),
    "an affinity that is no word": (
        PROVIDERS
        + "models: {chat: {policy: {name: least_latency, affinity: »true}, targets: [sim/fast]}}\n",
        'affinity "true" is not known here',
        "use one of: prefix",
    ),
    "an option beside its policy": (
        PROVIDERS
        + "models: {chat: {policy: least_latency, »affinity: prefix, targets: [sim/fast]}}\n",
        '"affinity" is no key of a route',
        "write policy: {name: least_latency, affinity: prefix}",
    ),
    "a head beside its cascade": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »head: 8KiB}}\n",
        '"head" is no key of a route',
        "write cascade: {head: 8KiB}",
    ),
    "a restriction without only": (
        PROVIDERS + "models: {chat: {targets: [sim/fast], »tags: [zdr]}}\n",
        '"tags" is no key of a route',
        "write only: {tags: [zdr]}",
    ),
    "a policy by a path without a colon": (
        PROVIDERS + "models: {chat: {policy: »ours.Home, targets: [sim/fast]}}\n",
        'there is no policy "ours.Home"',
        "or package.module:attribute",
    ),
    "a price that is none": (
        PROVIDERS
        + "models: {chat: {policy: {name: least_latency, price: »dear}, targets: [sim/fast]}}\n",
        'price "dear" is not a number, 0 or more',
        "write it as 0.3",
    ),
    "a price that is too much": (
        PROVIDERS
        + "models: {chat: {policy: {name: least_latency, price: »11}, targets: [sim/fast]}}\n",
        'price "11" is more than 10',
        "write it as 0.3",
    ),
    "a policy without a name": (
        PROVIDERS + "models: {chat: {policy: »{price: 1}, targets: [sim/fast]}}\n",
        "policy has no name",
        "write `name: …` in it",
    ),
    "a route called like a target": (
        BASE + "  »sim/fast: {targets: [sim/slow]}\n",
        '"sim/fast" is a target\'s full name as well',
        "give the route another name",
    ),
    "no address": (
        BASE.replace("models:\n", "  »b: {models: [m]}\nmodels:\n", 1),
        'provider "b" has no address',
        "give it a preset, a base_url, or `like: another`; or `dialect: simulated`",
    ),
    "a preset without an address": (
        BASE.replace("models:\n", "  b: {preset: »vllm, models: [m]}\nmodels:\n", 1),
        "preset vllm needs a base_url",
        'write base_url: "${NAME:-}"',
    ),
    "preset and like": (
        BASE.replace("models:\n", "  b: {preset: groq, »like: sim}\nmodels:\n", 1),
        "both preset and like",
        "keep one of them",
    ),
    "a simulated address": (
        BASE.replace("    dialect", "    »base_url: http://127.0.0.1\n    dialect"),
        "a simulated provider has no base_url",
        "remove it",
    ),
    "a region that is a number": (
        BASE.replace("models:\n", "  b: {preset: groq, region: »7}\nmodels:\n", 1),
        'region "7" is not text',
        "quote it",
    ),
    "a real model that is simulated": (
        REAL + "    models: {m: {»seed: 3}}\n" + CHAT,
        "seed is for models of a simulated provider",
        "`dialect: simulated`",
    ),
    "a simulated model with an api": (
        "version: 1\nproviders: {p: {dialect: simulated, models: {m: {»api: responses}}}}\n" + CHAT,
        "a model of the dialect simulated has no other api",
        "remove it",
    ),
    "an api that is none": (
        REAL + "    models: {m: {api: »respones}}\n" + CHAT,
        "respones",
        'did you mean "responses"?',
    ),
    "open to all": (
        BASE + "server: {listen: »0.0.0.0:8080}\n",
        "auth is open, but the listener can be reached from outside",
        "write `auth: keys`, or listen on 127.0.0.1",
    ),
    "an open admin": (
        BASE + "server: {admin: »10.0.0.1:8081, admin_token: ''}\n",
        "the admin listener can be reached from outside, and has no admin_token",
        "set admin_token, or use 127.0.0.1",
    ),
    "one address for two": (
        BASE + "server: {listen: 127.0.0.1:80, admin: »127.0.0.1:80}\n",
        "listen and admin are the same address",
        "another port",
    ),
    "a key in the file": (
        BASE + "tenants: {a: {keys: [»hunter2]}}\n",
        "a key that everyone who reads the file can read",
        'write "sha256:…"',
    ),
    "half a digest": (
        BASE + "tenants: {a: {keys: [»sha256:hunter2]}}\n",
        "a hashed key is not 64 hexadecimal digits",
        "write sha256: and the key's SHA-256 in hex",
    ),
    "a key of two": (
        BASE + f"tenants: {{a: {{keys: ['sha256:{'a' * 64}']}}, "
        f"b: {{keys: [»'sha256:{'A' * 64}']}}}}\n",
        'tenant "a" has the same key',
        "give each tenant its own",
    ),
}
GROUPS = {
    "ladders": LADDERS,
    "syntax": SYNTAX,
    "yaml": SURPRISES,
    "keys": KEYS,
    "values": VALUES,
    "references": REFERENCES,
    "forms": FORMS,
}
ALL = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}


@pytest.mark.parametrize(("text", "what", "remedy"), ALL.values(), ids=ALL)
def test_a_mistake_is_said_once_in_its_place_and_with_its_remedy(text, what, remedy):
    text, (place,) = places(text)
    (line,) = said(text)
    said_what, _, said_remedy = line.removeprefix(place).partition("; ")
    assert line.startswith(place), line
    assert what in said_what
    assert remedy in said_remedy
    assert "hunter2" not in line
