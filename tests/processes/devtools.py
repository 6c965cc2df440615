"""A page in a browser that is driven by its DevTools protocol: what assistive software reads, and what keys do."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes.browser import SECONDS, NoBrowser, browser

ADDRESS_FILE = "DevToolsActivePort"
"""Holds the port that the browser chose, in its profile."""
LARGEST_MESSAGE = 64 * 2**20


class DevTools:
    """One page. Its commands are those of https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, count(1)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises NoBrowser with what the browser refused."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await asyncio.wait_for(self._socket.receive_json(), SECONDS)
            if message.get("id") == number:
                break
        if "error" in message:
            raise NoBrowser(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def value(self, script: str) -> Any:
        """What a script of the page gives; a promise is waited for."""
        result = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise NoBrowser(f"{script}: {result['exceptionDetails']['exception']['description']}")
        return result["result"].get("value")

    async def size(self, width: int, height: int = 900) -> None:
        """Give the page a window of this many CSS pixels."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", **screen)

    async def press(self, key: str) -> None:
        """Press a key that has a name, as Tab and Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **event)

    async def accessibility_tree(self) -> list[dict[str, Any]]:
        """The nodes that assistive software gets, in the order of the page; those that it passes over are `ignored`."""
        await self.ask("Accessibility.enable")
        nodes: list[dict[str, Any]] = (await self.ask("Accessibility.getFullAXTree"))["nodes"]
        return nodes


@asynccontextmanager
async def opened(page: Path, folder: Path, before: str = "") -> AsyncIterator[DevTools]:
    """The page once its scripts have run. folder: for the browser's profile. before: a script that runs before those of
    the page. Raises NoBrowser where there is no browser."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    command = (browser(), *options, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank")
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{await _port(profile, process)}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            where = pages[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(where, max_msg_size=LARGEST_MESSAGE) as socket:
                tools = DevTools(socket)
                await tools.ask("Page.enable")
                await tools.ask("Page.addScriptToEvaluateOnNewDocument", source=before)
                await tools.ask("Page.navigate", url=page.as_uri())
                await tools.value(HAS_RUN)
                yield tools
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


HAS_RUN = """new Promise((told) => {
  const look = () => document.querySelector("#check:not(.waiting)") ? told(true) : setTimeout(look, 20);
  look();
})"""
"""A page says by its check's class that it has repeated what it can."""


async def _port(profile: Path, process: Process) -> int:
    async with asyncio.timeout(SECONDS):
        while not (profile / ADDRESS_FILE).exists() or not (profile / ADDRESS_FILE).read_text().strip():
            if process.returncode is not None:
                raise NoBrowser(f"the browser ended with {process.returncode}")
            await asyncio.sleep(0.02)
    return int((profile / ADDRESS_FILE).read_text().splitlines()[0])
