"""The version of the durable steps."""

# Raised only when the order, the number or the values of the durable steps change: a worker takes up work of its own
# version alone. The library's default, a hash of the workflows' source, would strand pending work at every edit.
STEPS_VERSION = "2"
APPLICATION = "lungnode"
