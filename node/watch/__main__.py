"""The status page's process: `python -m node.watch`, started by `lungnode serve`."""

import uvicorn

from node.settings import load
from node.watch.application import application


def main() -> None:
    """Serve until SIGTERM."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    uvicorn.run(
        application(settings),
        host=settings.watch.host,
        port=settings.watch.port,
        log_level="warning",
        access_log=False,  # paths hold UIDs only, but the log is for what went wrong
        server_header=False,
    )


if __name__ == "__main__":
    main()
