"""Runners of other people's programs, each a script for the interpreter that has that program's packages.

They import nothing of the studio, and nothing of the programs is here: a checkout of it is the user's own. A runner is
called with one JSON object as its argument and ends with one on its last line of standard output.
"""
