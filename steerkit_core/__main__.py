"""`python -m steerkit_core` is `steerkit`."""

from steerkit_core.cli import main

if __name__ == "__main__":
    main()
