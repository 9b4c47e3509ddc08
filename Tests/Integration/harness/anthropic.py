"""Settings of a service that has an account at Anthropic and no other."""
from harness.service import API_KEY


def settings(simulator, **more):
    return {
        "providers": {"claude": {"kind": "anthropic", "endpoint": simulator.endpoint.removesuffix("/v1"),
                                 "api_key": API_KEY, "timeout": "30s"}},
        "models": {"claude-*": {"routes": ["claude"]}}, **more}
