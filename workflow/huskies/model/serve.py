"""serve: the classifier behind HTTP, for other programs and for people: a photo in, JSON out, and its page.

It listens on this machine alone unless it is told otherwise, and nothing that comes from outside is taken for a path.
"""

import argparse
import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huskies.backbone import inference
from huskies.errors import HuskyError
from huskies.model import answers, fetched, folder, predict, printed
from huskies.model.folder import Model
from huskies.model.given_photos import Photo
from huskies.progress import say

# The largest photo, in bytes; how long one may take, in seconds; how many may wait for each core.
LARGEST, LONGEST, WAITING = 32 << 20, 30, 16
_PAGE = Path("export", "classifier.html")
_USE = "POST a photo to /predict: curl --data-binary @photo.jpg http://{}:{}/predict\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `huskies serve` takes to its parser."""
    parser.add_argument("model", help="a folder, as data/final, or repository@revision")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; 0.0.0.0 for all of this machine")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on; 0 for any that is free")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="photos at once")


class Server:
    """A classifier that answers requests, as many at once as there are cores; more of them wait, and too many do not.

    page: the file of its page, or None. longest: how many seconds a request may wait for its answer.
    """

    def __init__(self, model: Model, cores: int, page: Path | None = None, longest: float = LONGEST):
        """Load the backbone, which takes a second or a few."""
        self._model, self._cores, self._page, self._longest = model, cores, page, longest
        self._ready = inference.load(model.backbone, cores)
        self._threads = ThreadPoolExecutor(cores)
        self._busy = 0

    def application(self) -> Any:
        """Return the aiohttp application: GET /, /health and /version, POST /predict."""
        from aiohttp import web

        found = web.Application(client_max_size=LARGEST, middlewares=[web.middleware(_as_json)])
        found.router.add_get("/", self._show)
        found.router.add_get("/health", self._health)
        found.router.add_get("/version", self._version)
        found.router.add_post("/predict", self._predict)
        return found

    def _answer(self, content: bytes) -> answers.Answer:
        photo = Photo("photo", lambda: content)
        labels = len(self._model.labels)
        [answer] = answers.answer(self._model, [photo], 1, 1, labels, 0, self._ready)
        return answer

    async def _predict(self, request: Any) -> Any:
        from aiohttp import web

        content = await request.read()
        if self._busy >= self._cores * WAITING:
            return web.json_response({"reason": "too many photos are waiting: ask again later"}, status=503)
        self._busy += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, content)
        # It is done with when it ends, whether or not anybody still waits for it.
        work.add_done_callback(self._done)
        try:
            answer = await asyncio.wait_for(asyncio.shield(work), self._longest)
        except TimeoutError:
            return web.json_response({"reason": f"no answer within {self._longest:g} seconds"}, status=503)
        if answer.reason:
            return web.json_response({"reason": answer.reason}, status=422)
        found = printed.fields(answer)
        del found["file"]
        return web.json_response(found)

    def _done(self, work: Any) -> None:
        self._busy -= 1
        # Taken note of, so that asyncio does not complain where nobody waited for it.
        if not work.cancelled():
            work.exception()

    async def _show(self, request: Any) -> Any:
        from aiohttp import web

        if self._page:
            return web.FileResponse(self._page)
        return web.Response(text=_USE.format(*request.host.partition(":")[::2]))

    async def _health(self, request: Any) -> Any:
        from aiohttp import web

        return web.json_response({"status": "ok"})

    async def _version(self, request: Any) -> Any:
        from aiohttp import web

        numbers = self._model.numbers
        said = {"huskies": version("huskies"), "labels": self._model.labels, "expected": numbers["sentence"]}
        return web.json_response(said | {"provenance": numbers["provenance"]})


async def _as_json(request: Any, handler: Any) -> Any:
    """Answer what aiohttp refuses in JSON, too, and whatever fails within with no word on this machine."""
    from aiohttp import web

    try:
        return await handler(request)
    except web.HTTPException as refusal:
        reason = {
            404: "there is nothing of this name: GET /, /health and /version, and POST /predict are what there is",
            405: f"{request.path} is not for {request.method}",
            413: f"a photo may have at most {LARGEST >> 20} MiB",
        }.get(refusal.status, refusal.reason)
        return web.json_response({"reason": reason}, status=refusal.status)
    except Exception as error:
        say(f"serve: {type(error).__name__}: {error}")
        return web.json_response({"reason": "the server failed at this photo"}, status=500)


async def _serve(server: Server, host: str, port: int) -> None:
    from aiohttp import web

    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise HuskyError(
                f"cannot listen on {host}:{port}: {error.strerror or error}. Choose another with --host and --port."
            ) from None
        address, port = runner.addresses[0][:2]
        print(f"serving on http://{address}:{port}/, until it is interrupted", file=sys.stderr, flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def run(asked: argparse.Namespace) -> int:
    """Serve until interrupted; return the exit status, 0.

    The page is what `export` has put beside the classifier's folder. Raises HuskyError for a model that there is not,
    and for an address that cannot be had.
    """
    with fetched.at(asked.model) as place:
        model, remarks = predict.at_hand(folder.read(place))
        for line in remarks:
            say(f"serve: {line}")
        page = place.resolve().parent / _PAGE
        server = Server(model, asked.cores, page if page.is_file() else None)
        try:
            asyncio.run(_serve(server, asked.host, asked.port))
        except KeyboardInterrupt:
            say("serve: ended")
    return 0
