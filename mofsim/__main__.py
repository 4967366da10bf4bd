"""`python -m mofsim`: the command line."""

from mofsim.cli import main

if __name__ == "__main__":
    main()
