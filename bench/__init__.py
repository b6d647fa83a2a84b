"""How fast and how big the program is, against its targets; see ``python -m bench --help``. Not part of the package."""
