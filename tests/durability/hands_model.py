"""What must hold of senders and lists, whatever hands have done: told with as little as possible. A hand
may leave open what the service could have seen; so every count has a least and a most."""

from dataclasses import dataclass, field

NO, MAYBE, YES = "no", "maybe", "yes"


AHEAD = 600  # seconds: events so far ahead of a log whose clock was set back may be given up


@dataclass
class Sender:
    events: list = field(default_factory=list)  # (log stamp in seconds, surely counted)
    listed: str = NO
    least: int = 0  # blocks that must have been decided, and so reported
    most: int = 0  # and that can have been
    freed_at: int = 0  # seconds; 0: never
    unnoticed: bool = False  # the service may not know yet that it was freed
    deaf_until: int = 0  # events up to this stamp may belong to what was before it was freed
    anything: bool = False  # the state was lost: nobody can say how often it is decided again

    def degrade(self):
        """Nobody can say any more which of its events count."""
        self.events = [(stamp, False) for stamp, _ in self.events]


class Rule:
    """One rule with its list."""

    def __init__(self, name, limit, period):
        self.name, self.limit, self.period = name, limit, period
        self.senders = {}
        self.unseen = False  # the service can't read the list
        self.was_away = False  # out of the configuration for a time
        self.shared = False  # with a farm
        self.raced = set()  # whose lines an editor has lost: the service writes them again, if it still can

    def sender(self, user):
        return self.senders.setdefault(user, Sender())

    def hit(self, user, stamp, sure=True):
        sender = self.sender(user)
        if sender.listed == YES:
            return
        sender.events.append((stamp, sure and not sender.unnoticed and stamp > sender.deaf_until))
        if self.shared and stamp <= sender.deaf_until:
            sender.anything = True  # for a farm it is of before; until the release has come back, it counts here
        newest = max(at for at, _ in sender.events)
        window = [event for event in sender.events if event[0] > newest - self.period]
        if newest > stamp + AHEAD:
            sender.degrade()
            window = sender.events
        if sum(surely for _, surely in window) >= self.limit:
            sender.least += 1
            sender.most += sender.listed == NO
            sender.listed = YES
        elif len(window) >= self.limit and sender.listed == NO:
            sender.most += 1
            sender.listed = MAYBE

    def free(self, user, at, seen):
        """Its line was taken out at this second; `seen`: under a running service that had read all there was."""
        sender = self.sender(user)
        sender.events = []
        sender.listed = NO
        sender.freed_at = at
        sender.unnoticed = True
        sender.deaf_until = 0 if seen else at + 1

    def block_by_hand(self, user, at_once):
        """`at_once`: whole in one moment. What is written in place is in doubt for one, and the log is read on."""
        sender = self.sender(user)
        if (self.unseen or not at_once) and sender.listed == NO:
            sender.most += 1  # it may be decided before the line is seen
        if sender.listed == MAYBE or sender.listed == NO:
            sender.listed = YES
            sender.events = []
        elif sender.listed == YES:
            sender.least = max(0, sender.least - 1)  # the hand may have been quicker than the decision

    def killed(self, keys, now, saved):
        """`keys`: of the list at this moment. What was freed a moment ago is found out anew at the start."""
        for user, sender in self.senders.items():
            if not saved and (sender.freed_at or user not in keys):
                sender.anything = True
            if user in self.raced and user not in keys:  # nothing tells a start how it went
                sender.listed, sender.anything = MAYBE, True
            if sender.freed_at == 0 or sender.freed_at + 15 < now:
                continue
            sender.deaf_until = sender.freed_at + 1
            sender.events = [(at, sure and at > sender.deaf_until) for at, sure in sender.events]
            if sender.listed == YES and user not in keys:
                sender.listed = MAYBE
                sender.least = max(0, sender.least - 1)

    def state_lost(self, keys):
        """The log is read again, and what it says can't be told from what was before somebody was freed."""
        for user, sender in self.senders.items():
            sender.most += 1
            sender.least = 0  # its notice may have been lost with the state
            sender.anything = sender.anything or self.was_away
            if user in keys:
                continue
            sender.degrade()
            sender.anything = sender.anything or sender.freed_at > 0
            # A limit that was lowered since then is reached by what is read again.
            if sender.listed == YES or len(sender.events) >= self.limit:
                sender.listed = MAYBE

    def forgotten(self):
        """The rule was taken out of the configuration, and is there again."""
        self.was_away = True
        for sender in self.senders.values():
            if self.shared:
                sender.degrade()  # the farm has kept what this host forgot
            else:
                sender.events = []
            sender.most += 1  # a start that finds its line, and no word of it in what was saved, may tell of it again
            if sender.listed == MAYBE:
                sender.degrade()

    def must_be_listed(self):
        return {user for user, sender in self.senders.items() if sender.listed == YES and not sender.anything}

    def may_be_listed(self):
        return {user for user, sender in self.senders.items() if sender.listed != NO or sender.anything}
