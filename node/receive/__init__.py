"""The room `receive`: associations in, instances in the spool out, and what happened in the journal.

`process.run(settings)` is the receiver's process. Nothing heavy is imported here: the receiver starts in well under
a second and knows neither SQL nor pixels.
"""

from node.receive.light import lightly

with lightly("requests", "rich"):
    from node.receive import process as process  # and with it the whole room and its libraries
