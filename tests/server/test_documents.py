"""The description of the API, and the pages that show it without a network."""

import re

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from mofsim.server.access import TABLE
from mofsim.server.routes import routes

UNDOCUMENTED = {"/docs", "/redoc", "/openapi.json"}


@pytest.fixture
async def spec(client: httpx.AsyncClient) -> dict[str, dict]:  # type: ignore[type-arg]
    answer = await client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()  # type: ignore[no-any-return]


def operations(spec: dict) -> list[tuple[str, str, dict]]:  # type: ignore[type-arg]
    return [(path, method, each) for path, methods in spec["paths"].items() for method, each in methods.items()]


def documented(route: Route) -> set[tuple[str, str]]:
    methods = (route.methods or set()) - {"HEAD"}
    return {(route.path, method.lower()) for method in methods}


async def test_the_description_is_valid_openapi_3_1(spec: dict) -> None:  # type: ignore[type-arg]
    assert spec["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(spec).validate()


async def test_every_route_is_described(spec: dict) -> None:  # type: ignore[type-arg]
    real = {pair for route in routes if route.path not in UNDOCUMENTED for pair in documented(route)}
    # It only says that there is no such task type.
    real.discard(("/api/v1/tasks/{id}", "post"))
    assert {(path, method) for path, method, _ in operations(spec)} == real


async def test_each_operation_says_what_it_does_takes_and_answers(spec: dict) -> None:  # type: ignore[type-arg]
    for path, method, operation in operations(spec):
        where = f"{method} {path}"
        assert operation["summary"].endswith(".") and operation["tags"], where
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), where
        answers = operation["responses"]
        good = next(answer for status, answer in answers.items() if status < "300")
        assert good["content"], where
        errors = [answer for status, answer in answers.items() if status >= "400"]
        assert "requestBody" not in operation or {"400", "413", "415"} <= answers.keys(), where
        assert errors, where
        for answer in errors:
            schema = answer["content"]["application/json"]["schema"]["$ref"]
            assert schema == "#/components/schemas/ErrorEnvelope", where


async def test_each_operation_says_which_key_it_wants_and_that_it_may_be_refused(spec: dict) -> None:  # type: ignore[type-arg]
    assert spec["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    for path, method, operation in operations(spec):
        needed = TABLE[method.upper(), path]
        assert operation["security"] == ([{"key": [needed]}] if needed else []), path
        assert {"401", "403", "429"} - set(operation["responses"]) == (set() if needed else {"401", "403"}), path


async def test_a_submit_is_described_with_its_parameters(spec: dict) -> None:  # type: ignore[type-arg]
    operation = spec["paths"]["/api/v1/tasks/optimization"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/OptimizationSubmit")
    assert operation["responses"]["202"]["content"]["application/json"]["schema"]["$ref"].endswith("/Envelope_Task")
    fmax = spec["components"]["schemas"]["OptimizationParameters"]["properties"]["fmax_eV_per_A"]
    assert (fmax["exclusiveMinimum"], fmax["default"]) == (0, 0.001)
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}


@pytest.mark.parametrize(("path", "mark"), [("/docs", "SwaggerUIBundle({"), ("/redoc", "<redoc spec-url=")])
async def test_the_pages_bring_all_they_show(client: httpx.AsyncClient, path: str, mark: str) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert mark in answer.text and "/openapi.json" in answer.text
    assert re.findall(r"""<(?:script|link|img)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""", answer.text) == []
    # What the scripts themselves would fetch, the browser refuses.
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'") and "http" not in policy
