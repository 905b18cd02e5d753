"""The real Dagster daemon, which looks for work every two seconds instead of every thirty."""

import sys

import dagster._daemon.controller as controller

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
    from dagster._daemon.cli import main

    sys.argv = ["dagster-daemon", "run", *sys.argv[1:]]
    main()
