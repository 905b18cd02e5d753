"""The real Dagster daemon, which looks for work every five seconds instead of every thirty.

Each look takes it a quarter of a second of a processor that runs need meanwhile. Every minute it
would load the code location again, which takes as long as a run; the code stays as it is here.
"""

import sys

import dagster._daemon.controller as controller

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 5
    controller.RELOAD_WORKSPACE_INTERVAL = 3_600
    from dagster._daemon.cli import main

    sys.argv = ["dagster-daemon", "run", *sys.argv[1:]]
    main()
