"""The room `receive`: associations in, instances in the spool out, and what happened in the journal.

`process.run(settings)` is the receiver's process. Nothing heavy is imported here: the receiver starts in well under
a second and knows neither SQL nor pixels.
"""
