"""The doctor: settings in, findings out. Each finding says what was seen and, where it is not well, what to do."""
