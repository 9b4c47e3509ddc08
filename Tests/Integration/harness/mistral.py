"""Settings of a service that has an account at Mistral and no other."""
from harness.service import API_KEY


def settings(simulator, **more):
    return {
        "providers": {"mistral": {"kind": "mistral", "endpoint": simulator.endpoint.removesuffix("/v1") + "/mistral",
                                  "api_key": API_KEY, "timeout": "30s"}},
        "models": {"mistral-*": {"routes": ["mistral"]},
                   "mistral-embed": {"routes": ["mistral"], "mode": "embedding"}}, **more}
