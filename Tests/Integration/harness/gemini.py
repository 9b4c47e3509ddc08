"""Settings of a service that has an account at Gemini and no other."""
from harness.service import API_KEY


def settings(simulator, **more):
    return {
        "providers": {"gemini": {"kind": "gemini", "endpoint": simulator.endpoint.removesuffix("/v1"),
                                 "api_key": API_KEY, "timeout": "30s"}},
        "models": {"gemini-*": {"routes": ["gemini"]}}, **more}
