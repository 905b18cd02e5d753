"""The real Dagster daemon, which looks for work every five seconds instead of every thirty.

A look at a backfill of all assets takes the processor that its runs need meanwhile. Every minute
the daemon would load the code location again, which takes as long as a run; here the code stays.
"""

import sys

import dagster._daemon.controller as controller

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 5
    controller.RELOAD_WORKSPACE_INTERVAL = 3_600
    from dagster._daemon.cli import main

    sys.argv = ["dagster-daemon", "run", *sys.argv[1:]]
    main()
