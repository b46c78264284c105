"""A server that does one thing: starts a step, follows its log into a file, and is killed at the worst moment.

`python stand_in.py DATA_DIR LOG_FILE SCRIPT`
"""

import asyncio
import os
import sys
from pathlib import Path

from ensue.engines.process.engine import ProcessEngine
from tests.engines import suite


async def main() -> None:
    data, log, script = sys.argv[1:]
    engine = ProcessEngine(data_dir=Path(data), step_user="")
    handle = await engine.start(suite.shell(script))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async for chunk in engine.tail(handle):
        os.write(descriptor, chunk.data)


if __name__ == "__main__":
    asyncio.run(main())
