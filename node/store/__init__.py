"""The room `store`: what is known, on disk.

Takes instances, decisions and results; gives a spool of files (the truth), an index over them (a cache that is
rebuilt from the files) and the answer whether an object is one of ours. Import the files you need: the receiver
uses `spool` and `journal` without paying for SQL.
"""
