"""The hours in which off-peak cases may start."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Night:
    """A window of local time; it may span midnight. Equal ends mean the whole day."""

    begins: time
    ends: time

    def holds(self, now: datetime) -> bool:
        """Say whether the window is open."""
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= now.time() < self.ends
        return now.time() >= self.begins or now.time() < self.ends


DEFAULT_NIGHT = Night(time(20, 0), time(6, 0))


def next_opening(night: Night, now: datetime) -> datetime:
    """Return `now` where the window is open, else the next moment at which it opens."""
    if night.holds(now):
        return now
    today = now.replace(hour=night.begins.hour, minute=night.begins.minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
