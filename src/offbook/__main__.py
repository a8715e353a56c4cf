"""`python -m offbook`: the command line, also under torchrun."""

from offbook.cli.main import main

main()
