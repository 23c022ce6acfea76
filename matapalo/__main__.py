"""`python -m matapalo`: the same command, also where the script is not on PATH."""

from matapalo.cli.main import main

if __name__ == "__main__":
    main()
