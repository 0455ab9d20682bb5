"""``python -m jobctl``."""

from jobctl.cli import main

if __name__ == "__main__":
    main()
