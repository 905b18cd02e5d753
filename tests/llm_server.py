"""A server on loopback that speaks the Messages and Message Batches API, with scripted answers.

    with LlmServer() as server:
        server.script(status(429, retry_after=0.1), tool_use({"facts": []}))
        model = LanguageModel.from_settings(Settings(llm_base_url=server.url, ...))

What is scripted is used up in the order in which requests arrive; after that `answer` is asked,
a function from the request body to a reply. `python -m tests.llm_server` serves until it is ended,
for measurements in which the server has a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    Attributes:
        content: Blocks of the message.
        stop_reason: Why the message ends.
        status: HTTP status; from 400 on `message` becomes an error of the API.
        message: Text of the error.
        headers: Further response headers.
        delay: Seconds before anything is sent.
        cut: Send the head and part of the body, then cut the connection.
        usage: Token counts; None counts the bytes.
        expired: In a batch: the request is reported as expired.
        raw: The body as it is sent, instead of a message.
    """

    content: tuple[Body, ...] = ()
    stop_reason: str = "end_turn"
    status: int = 200
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    usage: Body | None = None
    expired: bool = False
    raw: str | None = None


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Body


Answer = Callable[[Body], Reply]


def text(words: str, **more: Any) -> Reply:
    """A message of text."""
    return Reply(({"type": "text", "text": words},), **more)


def tool_use(arguments: Body, name: str | None = None, **more: Any) -> Reply:
    """A call of a tool, by default of the one that the request forces or names first."""
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}
    return Reply((block,), **{"stop_reason": "tool_use", **more})


def refusal() -> Reply:
    """The model refuses to answer."""
    return Reply((), stop_reason="refusal")


def cut_off(words: str = "The answer is") -> Reply:
    """The answer reached max_tokens."""
    return text(words, stop_reason="max_tokens")


def status(code: int, message: str = "", retry_after: float | str | None = None) -> Reply:
    """An error of the API."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Reply(status=code, message=message or f"scripted {code}", headers=headers)


def silence(seconds: float = 30.0) -> Reply:
    """No answer until the client gives up."""
    return replace(text("too late"), delay=seconds)


def cut_connection() -> Reply:
    """Half an answer, then the connection is cut."""
    return replace(text("half an answer that never ends"), cut=True)


def forced_tool(body: Body) -> str:
    """Name of the tool that the request forces, else of its first one."""
    choice = body.get("tool_choice") or {}
    tools = body.get("tools") or [{"name": "none"}]
    return str(choice.get("name") or tools[0]["name"])


ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class LlmServer:
    """The server; a context manager that runs it in a thread.

    Attributes:
        received: Every request, in order of arrival.
        answer: Replies where nothing is scripted.
        batch_polls: How often a batch is asked for before it has ended.
        batches: The batches by id.
        most_at_once: Most requests that were in the air at one time.
    """

    def __init__(self, answer: Answer | None = None, *, batch_polls: int = 1) -> None:
        self.received: list[Received] = []
        self.answer: Answer = answer or (lambda body: text("done"))
        self.batch_polls = batch_polls
        self.batches: dict[str, Body] = {}
        self.most_at_once = 0
        self.port = 0
        self._at_once = 0
        self._scripted: deque[Reply] = deque()
        self._scripted_batches: deque[Reply] = deque()
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What the client takes as base_url."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *replies: Reply) -> None:
        """Replies for the next messages, each used once."""
        self._scripted.extend(replies)

    def script_batches(self, *replies: Reply) -> None:
        """Faults for the next requests to the addresses of batches, each used once."""
        self._scripted_batches.extend(replies)

    def messages(self) -> list[Body]:
        """Bodies of the requests for single messages."""
        return [r.body for r in self.received if r.path == "/v1/messages"]

    def __enter__(self) -> LlmServer:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.serve())
        self._loop.close()

    async def serve(self) -> None:
        """Serve until the context ends."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Received(method, target, headers, json.loads(raw) if raw else {})
        self.received.append(request)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._handle(request, writer)
        finally:
            self._at_once -= 1

    async def _handle(self, request: Received, writer: asyncio.StreamWriter) -> bool:
        path = request.path.partition("?")[0]
        if path == "/v1/messages":
            reply = self._scripted.popleft() if self._scripted else self.answer(request.body)
            payload = self._message(request.body, reply)
            payload = payload if reply.raw is None else reply.raw.encode()
        elif path.startswith("/v1/messages/batches"):
            reply = self._scripted_batches.popleft() if self._scripted_batches else Reply()
            payload = b"" if reply.status >= 400 else self._batches(request)
            if payload is None:
                reply, payload = status(404, f"no such batch: {path}"), b""
        else:
            reply, payload = status(404, f"no such address: {path}"), b""
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.status >= 400:
            payload = json.dumps(error(reply)).encode()
        number = next(self._numbers)
        lines = {
            "content-type": "application/json",
            "content-length": str(len(payload)),
            "request-id": f"req_{number:06d}",
            **reply.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        sent = payload[: len(payload) // 2] if reply.cut else payload
        writer.write(f"HTTP/1.1 {reply.status} Scripted\r\n{head}\r\n".encode() + sent)
        await writer.drain()
        return not reply.cut

    def _message(self, body: Body, reply: Reply) -> bytes:
        content = [dict(block) for block in reply.content]
        for block in content:
            if block["type"] == "tool_use" and block["name"] is None:
                block["name"] = forced_tool(body)
        usage = reply.usage or {
            "input_tokens": len(json.dumps(body)) // 4,
            "output_tokens": len(json.dumps(content)) // 4,
        }
        message = {
            "id": f"msg_{next(self._numbers):06d}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", ""),
            "content": content,
            "stop_reason": reply.stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }
        return json.dumps(message).encode()

    def _batches(self, request: Received) -> bytes | None:
        parts = request.path.partition("?")[0].removeprefix("/v1/messages/batches").split("/")[1:]
        if not parts:
            if request.method == "POST":
                return self._create_batch(request.body)
            newest = sorted(self.batches.values(), key=lambda batch: batch["id"], reverse=True)
            page = {"data": [shown(batch) for batch in newest], "has_more": False}
            return json.dumps({**page, "first_id": None, "last_id": None}).encode()
        batch = self.batches.get(parts[0])
        if batch is None:
            return None
        if parts[1:] == ["results"]:
            return b"".join(json.dumps(line).encode() + b"\n" for line in batch["_results"])
        if parts[1:] == ["cancel"]:
            batch["_polls"] = 0
            batch["processing_status"] = "canceling"
            for line in batch["_results"]:
                line["result"] = {"type": "canceled"}
        elif batch["processing_status"] != "ended":
            if batch["_polls"] <= 0:
                batch["processing_status"] = "ended"
                batch["ended_at"] = datetime.now(UTC).isoformat()
                batch["results_url"] = f"{self.url}/v1/messages/batches/{batch['id']}/results"
            batch["_polls"] -= 1
        return json.dumps(shown(batch)).encode()

    def _create_batch(self, body: Body) -> bytes:
        results = []
        for item in body["requests"]:
            params = item["params"]
            reply = self._scripted.popleft() if self._scripted else self.answer(params)
            if reply.expired:
                result: Body = {"type": "expired"}
            elif reply.status >= 400:
                result = {"type": "errored", "error": error(reply)}
            else:
                message = json.loads(self._message(params, reply))
                result = {"type": "succeeded", "message": message}
            results.append({"custom_id": item["custom_id"], "result": result})
        # Results come in any order; a client that pairs them by place must fail.
        results.reverse()
        batch = {
            "id": f"msgbatch_{next(self._numbers):06d}",
            "type": "message_batch",
            "processing_status": "in_progress",
            "created_at": datetime.now(UTC).isoformat(),
            "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
            "ended_at": None,
            "cancel_initiated_at": None,
            "archived_at": None,
            "results_url": None,
            "_results": results,
            "_polls": self.batch_polls,
        }
        self.batches[str(batch["id"])] = batch
        return json.dumps(shown(batch)).encode()


def shown(batch: Body) -> Body:
    """What the API says of a batch."""
    ended = batch["processing_status"] == "ended"
    kinds = [line["result"]["type"] for line in batch["_results"]] if ended else []
    counts = {k: kinds.count(k) for k in ("succeeded", "errored", "canceled", "expired")}
    counts["processing"] = 0 if ended else len(batch["_results"])
    public = {name: value for name, value in batch.items() if not name.startswith("_")}
    return {**public, "request_counts": counts}


def error(reply: Reply) -> Body:
    """The body of an error of the API."""
    kind = ERRORS.get(reply.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": reply.message}}


def main() -> None:
    """Serve until the process is ended; the first line says where. An argument: seconds a reply."""
    delay = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    with LlmServer(lambda body: replace(tool_use({}), delay=delay)) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
