"""The report of a benchmark: tables for a terminal, one HTML file that needs nothing else, CSV and JSON."""
