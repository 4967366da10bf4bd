"""How good a potential is: scores from the rows of a batch and reference values, and a report of them.

Nothing here asks a server or a database, or computes with arrays: whoever has the rows can make the report.
"""
