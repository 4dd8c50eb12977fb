"""serve: HTTP says what predict says; what is no photo, too large, too slow or too many is refused in plain words."""

import asyncio
import io
import json
import socket
import threading

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer
from conftest import USES_KERAS, in_own_cache
from finals import made
from huskies.errors import HuskyError
from huskies.images import codec
from huskies.model import answers, folder, printed, serve
from huskies.model.given_photos import Photo

pytestmark = [*USES_KERAS, pytest.mark.usefixtures("lent_backbones")]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> folder.Model:
    place = tmp_path_factory.mktemp("served")
    with in_own_cache(place):
        return folder.read(made(place)[0].output)


@pytest.fixture(scope="module")
def photo(model) -> bytes:
    return codec.encode(np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8), 90)


def asked(server: serve.Server, *requests: tuple[str, str, bytes | io.BytesIO | None]) -> list[tuple[int, str]]:
    """Return (status, text) of the answer to each request, all of them at once."""

    async def ask_all() -> list[tuple[int, str]]:
        async with TestClient(TestServer(server.application())) as client:

            async def ask(method: str, path: str, content: bytes | io.BytesIO | None) -> tuple[int, str]:
                async with client.request(method, path, data=content) as answer:
                    return answer.status, await answer.text()

            return await asyncio.gather(*(ask(*each) for each in requests))

    return asyncio.run(ask_all())


def test_it_says_of_a_photo_what_predict_says(model, photo, in_project):
    [answer] = answers.answer(model, [Photo("photo", lambda: photo)], 1, 1, 2, 0)
    expected = {key: value for key, value in printed.fields(answer).items() if key != "file"}
    server = serve.Server(model, 2)
    found = asked(server, *[("POST", "/predict", photo)] * 5)
    assert [status for status, _ in found] == [200] * 5
    assert [json.loads(text) for _, text in found] == [expected] * 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "not a picture of a format that is read"),
        (b"\xff\xd8\xff\xe0 and then nothing", "damaged: Truncated File Read"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(model, in_project, content, reason):
    [(status, text)] = asked(serve.Server(model, 1), ("POST", "/predict", content))
    assert (status, json.loads(text)) == (422, {"reason": reason})


def test_what_is_too_large_is_not_read_to_its_end(model, in_project):
    [(status, text)] = asked(serve.Server(model, 1), ("POST", "/predict", io.BytesIO(bytes(serve.LARGEST + 1))))
    assert (status, json.loads(text)) == (413, {"reason": "a photo may have at most 32 MiB"})


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/params.yaml", "/final.json", "/predict/../final.json"])
def test_no_path_leads_to_a_file(model, in_project, path):
    [(status, text)] = asked(serve.Server(model, 1), ("GET", path, None))
    assert status == 404
    assert json.loads(text)["reason"].startswith("there is nothing of this name")


def test_a_photo_that_takes_too_long_and_one_too_many_are_told_to_ask_again(model, photo, in_project, monkeypatch):
    monkeypatch.setattr(serve, "WAITING", 2)
    server, go_on = serve.Server(model, 1, longest=0.2), threading.Event()
    monkeypatch.setattr(server, "_answer", lambda content: go_on.wait(10) and answers.Answer("photo", reason="late"))
    found = asked(server, *[("POST", "/predict", photo)] * 3)
    go_on.set()
    assert sorted(json.loads(text)["reason"] for _, text in found) == [
        "no answer within 0.2 seconds",
        "no answer within 0.2 seconds",
        "too many photos are waiting: ask again later",
    ]
    assert {status for status, _ in found} == {503}


def test_a_failure_within_says_nothing_of_this_machine(model, photo, in_project, monkeypatch, capsys):
    def fail(content: bytes):
        raise RuntimeError("/secret/place")

    server = serve.Server(model, 1)
    monkeypatch.setattr(server, "_answer", fail)
    [(status, text)] = asked(server, ("POST", "/predict", photo))
    assert (status, json.loads(text)) == (500, {"reason": "the server failed at this photo"})
    assert "serve: RuntimeError: /secret/place" in capsys.readouterr().err


def test_it_tells_its_health_its_version_and_how_to_be_asked(model, in_project):
    health, version, use, wrong = asked(
        serve.Server(model, 1),
        ("GET", "/health", None),
        ("GET", "/version", None),
        ("GET", "/", None),
        ("GET", "/predict", None),
    )
    assert json.loads(health[1]) == {"status": "ok"}
    assert json.loads(version[1]) == {
        "huskies": "0.1.0",
        "labels": ["cat", "dog"],
        "expected": model.numbers["sentence"],
        "provenance": model.numbers["provenance"],
    }
    assert "curl --data-binary @photo.jpg http://127.0.0.1:" in use[1]
    assert (wrong[0], json.loads(wrong[1])["reason"]) == (405, "/predict is not for GET")


def test_an_address_that_is_taken_is_named(model, in_project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HuskyError) as error:
            asyncio.run(serve._serve(serve.Server(model, 1), "127.0.0.1", port))
    assert str(error.value).startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert str(error.value).endswith("Choose another with --host and --port.")
