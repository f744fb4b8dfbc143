"""The files of everybody who is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.wire.canned import Provider

KEY = "benchmark"
TARGETS = 8
ANSWERS = ("small", "large", "stream")
PLENTY = 1_000_000
SERVER = """
server:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  auth: keys
  drain: {announce: 0s, wait: 100ms}
"""


def router_file(ports: Mapping[bool, int]) -> str:
    """A route for every answer, in plain text and over TLS; eight targets each, with limits of
    their own and of their provider's that bind nothing, and are counted all the same.
    """
    limits = "{requests: 100M/min, tokens: 100G/min, concurrent: 100k}"
    lines = [
        "version: 1",
        SERVER,
        'tenants: {bench: {keys: ["${BENCH_KEY}"]}}',
        "providers:",
    ]
    routes = []
    for answer in ANSWERS:
        for secure, port in ports.items():
            name = f"{answer}-{'tls' if secure else 'plain'}"
            where = f"https://localhost:{port}" if secure else f"http://127.0.0.1:{port}"
            lines += [
                f"  {name}:",
                "    dialect: openai",
                f"    base_url: {where}/{answer}",
                "    api_key: canned",
                f"    limits: {limits}",
                "    models:",
                *(f"      m{number}: {{limits: {limits}}}" for number in range(TARGETS)),
            ]
            targets = ", ".join(f"{name}/m{number}" for number in range(TARGETS))
            routes.append(f"  {name}: {{policy: least_latency, targets: [{targets}]}}")
    return "\n".join([*lines, "models:", *routes]) + "\n"


def envoy_file(provider: Provider, plain: int, secure: int) -> dict[str, Any]:
    """A listener for each of the provider's ports, and nothing between but the router filter."""
    return {
        "static_resources": {
            "listeners": [listener("plain", plain), listener("secure", secure)],
            "clusters": [
                cluster("plain", provider.ports[False], None),
                cluster("secure", provider.ports[True], provider.ca),
            ],
        }
    }


def listener(name: str, port: int) -> dict[str, Any]:
    filters = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": name,
                    "domains": ["*"],
                    "routes": [
                        {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "0s"}}
                    ],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{filters}.http.router.v3.Router"},
            }
        ],
    }
    return {
        "name": name,
        "address": address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def cluster(name: str, port: int, ca: Path | None) -> dict[str, Any]:
    plenty = {f"max_{what}": PLENTY for what in ("connections", "pending_requests", "requests")}
    made: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [plenty]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}],
        },
    }
    if ca is not None:
        made["transport_socket"] = {
            "name": "tls",
            "typed_config": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": "localhost",
                "common_tls_context": {"validation_context": {"trusted_ca": {"filename": str(ca)}}},
            },
        }
    return made


def address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def nginx_file(provider: Provider, plain: int, secure: int, folder: Path) -> str:
    """A server for each of the provider's ports. Bodies and answers stay in memory."""
    common = """proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;"""
    return f"""
daemon off; master_process off; pid {folder}/pid; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 8m;
  client_body_buffer_size 128k; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream plain {{ server 127.0.0.1:{provider.ports[False]}; keepalive 1000;
    keepalive_requests 1000000000; }}
  upstream secure {{ server 127.0.0.1:{provider.ports[True]}; keepalive 1000;
    keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{plain} backlog=4096;
    location / {{ proxy_pass http://plain; {common} }} }}
  server {{ listen 127.0.0.1:{secure} backlog=4096;
    location / {{ proxy_pass https://secure; {common}
      proxy_ssl_verify on; proxy_ssl_trusted_certificate {provider.ca}; proxy_ssl_name localhost;
      proxy_ssl_server_name on; }} }}
}}
"""
